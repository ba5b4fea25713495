// A curve as the API sends it, kept up to date by rows as they come in.
//
// Buckets have the widths and bounds of the API's (a power of two; bucket n of width w holds the steps n w + 1 to
// (n + 1) w), so what is appended here is what the API would answer if it were asked again.

import type { MetricBuckets, MetricSummaries, Number_, StreamedRows } from "../api/types";
import { since } from "./reading";

const bucketOf = (step: number, width: number): number => Math.floor((step - 1) / width);
const finite = (value: Number_ | undefined): value is number => typeof value === "number";
const least = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.min(a, b));
const greatest = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.max(a, b));

/** `curve` from the bucket of step `from` on with `rows` behind it, in at most `maxPoints` buckets; rows that it holds
 * already are passed over. */
export function appended(curve: MetricBuckets, rows: StreamedRows, maxPoints: number, from = 0): MetricBuckets {
  const next = copied(curve);
  const steps = rows.columns.step;
  for (let row = 0; row < steps.length; row++) {
    const step = steps[row] as number;
    if (step >= next.next_step) append(next, step, (name) => rows.columns[name]?.[row] ?? null);
  }
  return fitted(since(next, from), maxPoints);
}

/** `curve`, which begins at `start`, without what was recorded after `step`. A bucket that `step` lies in goes whole: it
 * is asked for again. */
export function rewound(curve: MetricBuckets, step: number, start = 1): MetricBuckets {
  const kept = curve.last_step.filter((last) => last <= step).length;
  const next = copied(curve);
  for (const column of [next.first_step, next.last_step, next.count]) column.length = kept;
  for (const summaries of Object.values(next.columns))
    if (summaries) for (const column of Object.values(summaries)) column.length = kept;
  const last = next.last_step.at(-1);
  next.next_step = last === undefined ? Math.max(1, start) : last + 1;
  return next;
}

/** `curve` in buckets twice as wide until there are at most `maxPoints`. */
export function fitted(curve: MetricBuckets, maxPoints: number): MetricBuckets {
  let next = curve;
  while (next.first_step.length > maxPoints) next = widened(next);
  return next;
}

function append(curve: MetricBuckets, step: number, value: (name: string) => Number_): void {
  const last = curve.first_step.length - 1;
  const joins =
    last >= 0 && bucketOf(curve.first_step[last] as number, curve.bucket_steps) === bucketOf(step, curve.bucket_steps);
  if (joins) {
    curve.last_step[last] = step;
    curve.count[last] = (curve.count[last] as number) + 1;
  } else {
    curve.first_step.push(step);
    curve.last_step.push(step);
    curve.count.push(1);
  }
  for (const [name, summaries] of Object.entries(curve.columns))
    if (summaries) add(summaries, value(name), joins ? last : null, curve.count.at(-1) as number);
  curve.next_step = step + 1;
}

/** Add a value to the bucket `at`, of `count` rows with it, or to a new one. */
function add(summaries: MetricSummaries, value: Number_, at: number | null, count: number): void {
  const known = finite(value) ? value : null;
  const bad = known === null ? 1 : 0;
  if (at === null) {
    summaries.min.push(known);
    summaries.max.push(known);
    summaries.mean.push(known);
    summaries.last.push(value);
    summaries.non_finite.push(bad);
    return;
  }
  const held = count - 1 - (summaries.non_finite[at] as number);
  summaries.min[at] = least(summaries.min[at] ?? null, known);
  summaries.max[at] = greatest(summaries.max[at] ?? null, known);
  summaries.mean[at] = meanOf(summaries.mean[at] ?? null, held, known, 1 - bad);
  summaries.last[at] = value;
  summaries.non_finite[at] = (summaries.non_finite[at] as number) + bad;
}

function meanOf(a: number | null, ofA: number, b: number | null, ofB: number): number | null {
  if (a === null || b === null) return a ?? b;
  return (a * ofA + b * ofB) / (ofA + ofB);
}

function widened(curve: MetricBuckets): MetricBuckets {
  const width = 2 * curve.bucket_steps;
  const groups: number[][] = [];
  curve.first_step.forEach((step, index) => {
    const group = groups.at(-1);
    const joins = group && bucketOf(curve.first_step[group[0] as number] as number, width) === bucketOf(step, width);
    if (joins) group.push(index);
    else groups.push([index]);
  });
  const first = (column: number[]) => groups.map((group) => column[group[0] as number] as number);
  const columns = Object.entries(curve.columns).map(([name, held]) => [
    name,
    held && joined(held, curve.count, groups),
  ]);
  return {
    ...curve,
    bucket_steps: width,
    first_step: first(curve.first_step),
    last_step: groups.map((group) => curve.last_step[group.at(-1) as number] as number),
    count: groups.map((group) => group.reduce((sum, index) => sum + (curve.count[index] as number), 0)),
    columns: Object.fromEntries(columns),
  };
}

function joined(held: MetricSummaries, count: number[], groups: number[][]): MetricSummaries {
  const over = <Value>(column: Value[], join: (a: Value, b: Value) => Value) =>
    groups.map((group) => group.map((index) => column[index] as Value).reduce(join));
  return {
    min: over(held.min, least),
    max: over(held.max, greatest),
    mean: groups.map((group) => {
      let [mean, of]: [number | null, number] = [null, 0];
      for (const index of group) {
        const more = (count[index] as number) - (held.non_finite[index] as number);
        mean = meanOf(mean, of, held.mean[index] ?? null, more);
        of += more;
      }
      return mean;
    }),
    last: groups.map((group) => held.last[group.at(-1) as number] as Number_),
    non_finite: over(held.non_finite, (a, b) => a + b),
  };
}

function copied(curve: MetricBuckets): MetricBuckets {
  const columns = Object.entries(curve.columns).map(([name, held]) => [
    name,
    held && Object.fromEntries(Object.entries(held).map(([part, column]) => [part, [...column]])),
  ]);
  return {
    ...curve,
    first_step: [...curve.first_step],
    last_step: [...curve.last_step],
    count: [...curve.count],
    columns: Object.fromEntries(columns),
  };
}
