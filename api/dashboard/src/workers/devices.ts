// What a worker's devices are, how much of them is used, and how fast it trains.

import type { Device, JobSummary, Worker } from "../api/types";
import { bytes } from "../ui/format";

export interface Use {
  /** From 0 to 1; null where the driver does not tell. */
  share: number | null;
  text: string;
}

/** "GPU 0: NVIDIA H100", "CPU: x86_64, 16 cores". */
export function nameOf(device: Device): string {
  const cores = device.cores ? `${device.cores} ${device.cores === 1 ? "core" : "cores"}` : null;
  const about = [device.name, cores].filter(Boolean).join(", ");
  const kind = device.kind === "cuda" ? `GPU ${device.index ?? ""}`.trim() : device.kind.toUpperCase();
  return about ? `${kind}: ${about}` : kind;
}

export function memoryOf(device: Device): Use {
  const { memory_used_bytes: used, memory_bytes: all } = device;
  // Of a CPU of an older worker nothing is known.
  if (all == null) return { share: null, text: used == null ? "not known" : bytes(used) };
  if (used == null) return { share: null, text: `${bytes(all)} in all` };
  return { share: shareOf(used / all), text: `${bytes(used)} of ${bytes(all)}` };
}

export function utilizationOf(device: Device): Use {
  const busy = device.utilization_percent;
  if (busy == null) return { share: null, text: "not known" };
  return { share: shareOf(busy / 100), text: `${Math.round(busy)} %` };
}

const shareOf = (share: number): number => Math.min(1, Math.max(0, share));

/** Steps per second of all that a worker trains; null where none is known. */
export function speedOf(worker: Worker, jobs: ReadonlyMap<string, JobSummary>): number | null {
  if (worker.steps_per_second != null) return worker.steps_per_second;
  const known = worker.jobs.map((id) => jobs.get(id)?.steps_per_second ?? null).filter((speed) => speed !== null);
  return known.length ? known.reduce((all, speed) => all + speed, 0) : null;
}
