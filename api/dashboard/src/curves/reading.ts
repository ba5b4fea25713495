// Reading a curve that is held in buckets: which bucket a step is in, and what can be said of it.

import type { MetricBuckets, Number_ } from "../api/types";
import { count } from "../ui/format";
import type { Range } from "./range";

/** The first and the last step that a curve holds; null where it holds none. */
export function extentOf(curve: MetricBuckets): Range | null {
  const [first, last] = [curve.first_step[0], curve.last_step.at(-1)];
  return first === undefined || last === undefined ? null : [first, last];
}

/** The names of the metrics that a job records. */
export const recorded = (curve: MetricBuckets): string[] =>
  Object.keys(curve.columns).filter((name) => curve.columns[name]);

/** The index of the bucket that `step` is in, or of the nearest; null (or any step behind all) means the last one. -1 where
 * there is no bucket. */
export function bucketAt(curve: MetricBuckets, step: number | null): number {
  const last = curve.first_step.length - 1;
  if (step === null || last < 0) return last;
  let [low, high] = [0, last];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((curve.first_step[middle] as number) <= step) low = middle;
    else high = middle - 1;
  }
  const gone = step - (curve.last_step[low] as number);
  return low < last && gone > 0 && (curve.first_step[low + 1] as number) - step < gone ? low + 1 : low;
}

/** The indices [from, to) of the buckets that touch a range. */
export function within(curve: MetricBuckets, [first, last]: Range): [number, number] {
  let from = curve.last_step.findIndex((step) => step >= first);
  if (from < 0) from = curve.last_step.length;
  let to = from;
  while (to < curve.first_step.length && (curve.first_step[to] as number) <= last) to++;
  return [from, to];
}

/** `curve` without the buckets that lie before `step` as a whole. */
export function since(curve: MetricBuckets, step: number): MetricBuckets {
  let from = curve.last_step.findIndex((last) => last >= step);
  if (from === 0 || curve.last_step.length === 0) return curve;
  if (from < 0) from = curve.last_step.length;
  const columns = Object.entries(curve.columns).map(([name, held]) => [
    name,
    held && Object.fromEntries(Object.entries(held).map(([part, column]) => [part, column.slice(from)])),
  ]);
  return {
    ...curve,
    first_step: curve.first_step.slice(from),
    last_step: curve.last_step.slice(from),
    count: curve.count.slice(from),
    columns: Object.fromEntries(columns),
  };
}

export interface Reading {
  mean: Number_;
  min: number | null;
  max: number | null;
  nonFinite: number;
}

/** What a metric was in a bucket; null where it is not recorded. Of a single step, the value itself, NaN included. */
export function readingOf(curve: MetricBuckets, name: string, at: number): Reading | null {
  const held = curve.columns[name];
  if (!held || at < 0 || at >= curve.count.length) return null;
  const mean = curve.count[at] === 1 ? held.last[at] : held.mean[at];
  return {
    mean: mean ?? null,
    min: held.min[at] ?? null,
    max: held.max[at] ?? null,
    nonFinite: held.non_finite[at] ?? 0,
  };
}

/** What a point of the picture stands for, in words. */
export const widthInWords = (curve: MetricBuckets): string =>
  curve.bucket_steps === 1 ? "every step is shown" : `each point is ${count(curve.bucket_steps)} steps`;

/** The steps of a bucket, in words. */
export function stepsInWords(curve: MetricBuckets, at: number): string {
  const [first, last] = [curve.first_step[at] as number, curve.last_step[at] as number];
  return first === last ? `step ${count(first)}` : `steps ${count(first)} to ${count(last)}`;
}
