// The two losses of a job as a small curve, each with its equilibrium as a faint line.

import { memo, useCallback, useMemo, useSyncExternalStore } from "react";
import type { JobSummary } from "../api/types";
import { number } from "../ui/format";
import { curves } from "./curves";
import { HEIGHT, type Line, sparkline, WIDTH } from "./sparkline";

export const Curve = memo(function Curve({ job }: { job: JobSummary }) {
  const watch = useCallback((watcher: () => void) => curves.watch(job.id, watcher), [job.id]);
  const curve = useSyncExternalStore(watch, () => curves.get(job.id));
  const { d_loss, g_loss } = job.equilibrium;
  // The answers bring a new object each time; what is in it stays.
  const drawn = useMemo(() => curve && sparkline(curve, { d_loss, g_loss, total_loss: null }), [curve, d_loss, g_loss]);
  if (!drawn) return <span className="small-curve" />;
  const label = `Losses so far: discriminator now ${number(job.d_loss)}, generator now ${number(job.g_loss)}`;
  return (
    <svg
      className="small-curve"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <Equilibrium line={drawn.d_loss} of="discriminator" />
      <Equilibrium line={drawn.g_loss} of="generator" />
      <path d={drawn.d_loss.path} data-of="discriminator" />
      <path d={drawn.g_loss.path} data-of="generator" />
    </svg>
  );
});

const Equilibrium = ({ line, of }: { line: Line; of: string }) =>
  line.equilibrium === null ? null : (
    <path d={`M0 ${line.equilibrium}H${WIDTH}`} data-of={of} className="small-equilibrium" />
  );
