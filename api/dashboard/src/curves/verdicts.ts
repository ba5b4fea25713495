// Over which steps a verdict is drawn.

import type { HealthInterval } from "../api/types";

/** A verdict with the first step that it speaks of. */
export interface Judged extends HealthInterval {
  first: number;
}

/** An assessment looks back: over the steps since the one before it, and the very first over all since `begin`. */
export function judged(intervals: readonly HealthInterval[], begin: number): Judged[] {
  const sorted = [...intervals].sort((a, b) => a.from_step - b.from_step);
  return sorted.map((each, at) => {
    const before = sorted[at - 1];
    return { ...each, first: before ? Math.min(before.to_step + 1, each.from_step) : Math.min(begin, each.from_step) };
  });
}
