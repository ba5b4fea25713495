// A small curve: two losses and where they are at equilibrium, as paths of a box of `WIDTH` times `HEIGHT`.

import type { Equilibrium, MetricBuckets } from "../api/types";

export const WIDTH = 132;
export const HEIGHT = 40;
const EDGE = 2;
/** The share of values at either end that does not stretch the scale: one spike would make a flat line of the rest. */
const OUTER = 0.02;

export interface Line {
  path: string;
  /** Where the loss is at equilibrium; null where it has none. */
  equilibrium: number | null;
}
interface Sparkline {
  d_loss: Line;
  g_loss: Line;
}

/** Paths of a curve; null where there is nothing to draw. Values beyond the scale run along the box's edge. */
export function sparkline(curve: MetricBuckets, equilibrium: Equilibrium): Sparkline | null {
  const [d, g] = [curve.columns.d_loss?.mean ?? [], curve.columns.g_loss?.mean ?? []];
  const values = [...d, ...g].filter((value) => value !== null);
  const [first, last] = [curve.first_step[0], curve.last_step.at(-1)];
  if (values.length === 0 || first === undefined || last === undefined) return null;
  const ideals = [equilibrium.d_loss, equilibrium.g_loss].filter((value) => value !== null);
  const y = scale(values, ideals);
  const x = (at: number) => {
    const step = ((curve.first_step[at] as number) + (curve.last_step[at] as number)) / 2;
    return last === first ? WIDTH / 2 : EDGE + ((WIDTH - 2 * EDGE) * (step - first)) / (last - first);
  };
  const line = (means: readonly (number | null)[], ideal: number | null): Line => ({
    path: pathOf(means, x, y),
    equilibrium: ideal === null ? null : round(y(ideal)),
  });
  return { d_loss: line(d, equilibrium.d_loss), g_loss: line(g, equilibrium.g_loss) };
}

function scale(values: number[], ideals: number[]): (value: number) => number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
  const low = Math.min(at(OUTER), ...ideals);
  const high = Math.max(at(1 - OUTER), ...ideals);
  if (high === low) return () => HEIGHT / 2;
  const height = HEIGHT - 2 * EDGE;
  return (value) => HEIGHT - EDGE - height * Math.min(1, Math.max(0, (value - low) / (high - low)));
}

/** A line through the values; it is broken where there is none, and a value alone is a dot. */
function pathOf(means: readonly (number | null)[], x: (at: number) => number, y: (value: number) => number): string {
  const parts: string[] = [];
  let open = false;
  means.forEach((mean, at) => {
    if (mean === null) {
      open = false;
      return;
    }
    parts.push(`${open ? "L" : "M"}${round(x(at))} ${round(y(mean))}`);
    if (!open && (means[at + 1] ?? null) === null) parts.push("h0");
    open = true;
  });
  return parts.join("");
}

const round = (value: number): number => Math.round(10 * value) / 10;
