// A curve that was asked for, and goes on with the rows that came since.

import type { MetricBuckets, StreamedRows } from "../api/types";
import { appended } from "./buckets";
import { between } from "./feed";
import { MAX_POINTS, type Range } from "./range";

export interface Followed {
  /** The answer that it began from. */
  base: MetricBuckets;
  curve: MetricBuckets;
  /** The steps that were asked for. */
  asked: Range;
}

/** All steps there are, and will be. */
export const EVER: Range = [0, Number.MAX_SAFE_INTEGER];

/** `followed` with those of `rows` that it has not, and that were asked for. */
export function continued(followed: Followed, rows: StreamedRows): Followed {
  const fresh = between(rows, followed.curve.next_step, followed.asked[1]);
  if (fresh.columns.step.length === 0) return followed;
  // Twice as many as are asked for: of a view that follows the end, those that it has left are still in it.
  const most = followed.asked === EVER ? MAX_POINTS : 2 * MAX_POINTS;
  return { ...followed, curve: appended(followed.curve, fresh, most) };
}
