// A curve that was asked for, and goes on with the rows that came since.

import type { MetricBuckets, StreamedRows } from "../api/types";
import { appended, rewound } from "./buckets";
import { between } from "./feed";
import { MAX_POINTS, type Range } from "./range";

export interface Followed {
  /** The answer that it began from. */
  base: MetricBuckets;
  curve: MetricBuckets;
  /** The steps that were asked for, and the first of them that is still there. */
  asked: Range;
  from: number;
  /** The stretch that it is of; null for the line that the job is on. */
  segment: number | null;
  /** Of the newest steps only so many are wanted; null where all that were asked for are. */
  last: number | null;
}

/** All steps there are, and will be. */
export const EVER: Range = [0, Number.MAX_SAFE_INTEGER];

/** `followed` with those of `rows` that it has not, and that were asked for. What is no longer wanted goes before
 * anything is drawn wider for want of room. */
export function continued(followed: Followed, rows: StreamedRows): Followed {
  const { curve, asked, last } = followed;
  const newest = Math.min(rows.columns.step.at(-1) ?? 0, asked[1]);
  const from = last === null ? 0 : Math.max(1, newest - last + 1);
  // The bucket that the first of them lies in is kept whole.
  const whole = from && from - ((from - 1) % curve.bucket_steps);
  const fresh = between(rows, Math.max(curve.next_step, whole), asked[1]);
  if (fresh.columns.step.length === 0) return followed;
  // Twice as many as are asked for: of a range, every step is kept as closely as it was answered with.
  const most = asked === EVER ? MAX_POINTS : 2 * MAX_POINTS;
  return { ...followed, curve: appended(curve, fresh, most, from), from: Math.max(from, followed.from) };
}

/** `followed` without what was recorded after `step`. */
export const takenBack = (followed: Followed, step: number): Followed => ({
  ...followed,
  curve: rewound(followed.curve, step, followed.from),
});
