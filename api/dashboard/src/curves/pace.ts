// How often a picture of a curve that goes on is drawn anew: when there is something else to be seen in it.

import type { MetricBuckets } from "../api/types";
import type { Range, View } from "./range";

/** About so many pixels is a chart wide. */
const PIXELS = 1000;
/** A picture is never older than so many milliseconds, also where it would be nearly the same. */
const OLDEST = 5_000;

/** The steps that a point or a pixel stands for; without end where nothing that comes would be seen. */
export function apartOf(view: View, drawn: MetricBuckets | null, range: Range | null, extent: Range | null): number {
  if (!drawn || !range || !extent) return 1;
  if (view.kind === "range" && range[1] < extent[1]) return Number.POSITIVE_INFINITY;
  return Math.max(drawn.bucket_steps, Math.floor((range[1] - range[0]) / PIXELS));
}

export interface Picture {
  curve: MetricBuckets;
  range: Range;
  /** When it was drawn, in milliseconds. */
  at: number;
}

/** Whether `next` looks otherwise than what is drawn. The last point, while its steps come, is drawn now and then. */
export function isNews(drawn: Picture, next: Picture): boolean {
  if (drawn.curve === next.curve && drawn.range[0] === next.range[0] && drawn.range[1] === next.range[1]) return false;
  const pixel = (next.range[1] - next.range[0]) / PIXELS;
  const moved = (end: 0 | 1) => Math.abs(next.range[end] - drawn.range[end]) > pixel;
  if (moved(0) || moved(1) || next.at - drawn.at >= OLDEST) return true;
  const [before, after] = [drawn.curve, next.curve];
  return (
    before.bucket_steps !== after.bucket_steps ||
    before.count.length !== after.count.length ||
    before.first_step[0] !== after.first_step[0] ||
    before.segment !== after.segment ||
    before.next_step > after.next_step ||
    Object.keys(before.columns).length !== Object.keys(after.columns).length
  );
}
