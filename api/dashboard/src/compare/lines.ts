// Several jobs' curves of a metric in one chart: where their steps lie along it, and what is drawn there.

import type { Job, MetricBuckets } from "../api/types";
import type { Range } from "../curves/range";
import { bucketAt, type Reading, readingOf, within } from "../curves/reading";
import { DECADES, placed, placesOf, type Reach, reachOf, type Scale, scaleOver } from "../curves/scale";
import { count, percent } from "../ui/format";

export type Along = "step" | "progress";

export interface Compared {
  job: Job;
  curve: MetricBuckets;
  /** Its place in the comparison, which its colour and its kind of line are of. */
  index: number;
}

/** The whole of a job along an axis of shares: in ten thousandths, so that ranges of it are whole numbers. */
export const WHOLE = 10_000;

/** Where a step of a job of `steps` steps lies along the axis, and back. */
export const placeOf = (step: number, steps: number, along: Along): number =>
  along === "step" ? step : (WHOLE * step) / steps;
export const stepOf = (place: number, steps: number, along: Along): number =>
  along === "step" ? place : (place * steps) / WHOLE;

/** A place along the axis, in words. */
export const placeInWords = (place: number, along: Along): string =>
  along === "step" ? `step ${count(Math.round(place))}` : percent(place / WHOLE);

/** Whether a metric is drawn on a logarithmic axis, as in a job's own charts: gradient norms always are, losses where it
 * is wanted, and what has bounds or may be negative is not. */
export const isLog = (metric: string, losses: boolean): boolean =>
  metric.includes("grad_norm") || (losses && /_loss$|_penalty$/.test(metric));

/** From the first to the last place that any of some jobs has reached. */
export function extentOf(jobs: readonly Job[], along: Along): Range {
  return [0, Math.max(1, ...jobs.map(({ step, steps }) => Math.ceil(placeOf(step, steps, along))))];
}

/** The steps of a job that fill a range of the axis. */
export const stepsOf = (range: Range, steps: number, along: Along): Range => [
  Math.max(0, Math.floor(stepOf(range[0], steps, along))),
  Math.ceil(stepOf(range[1], steps, along)),
];

/** The steps to ask for, of jobs of so many steps each, to fill a range of the axis for all of them. */
export function asked(range: Range, steps: readonly number[], along: Along): Range {
  const ranges = steps.map((each) => stepsOf(range, each, along));
  return [Math.min(...ranges.map(([first]) => first)), Math.max(...ranges.map(([, last]) => last))];
}

/** The buckets [from, to) of a job that are to be drawn: one more on either side, so that lines go on to the edge. */
export function partOf({ job, curve }: Compared, range: Range, along: Along): Range {
  const [from, to] = within(curve, stepsOf(range, job.steps, along));
  return [Math.max(0, from - 1), Math.min(curve.count.length, to + 1)];
}

/** Some of a line's points, evenly spaced in it, that its mark is put on; the last is one of them. */
export function marked<Point extends readonly [number, number | null]>(
  line: readonly Point[],
  wanted: number,
): Point[] {
  const known = line.filter(([, y]) => y !== null);
  const every = Math.max(1, Math.floor(known.length / wanted));
  return known.filter((_, at) => (known.length - 1 - at) % every === 0);
}

/** The upright axis on which all curves of a metric in a range fit, with `lines` across. With `cut` what goes far beyond
 * the others is left out of it, also where it is most of a job. */
export function sharedScale(
  jobs: readonly Compared[],
  metric: string,
  { range, along, log, cut }: { range: Range; along: Along; log: boolean; cut: boolean },
  lines: readonly number[],
): Scale {
  const reaches = jobs.flatMap(({ job, curve }) => {
    const places = placesOf(curve, metric, stepsOf(range, job.steps, along), log);
    return (places && reachOf(places, log, cut)) ?? [];
  });
  return scaleOver(cut ? together(reaches, log, lines) : reaches, log, lines);
}

/** How many times what is usual a job may be to be shown whole with the others. */
const FAR = 10;

/** Those of `reaches` that are of one size with the lower half of them, or with `lines`. */
function together(reaches: readonly Reach[], log: boolean, lines: readonly number[]): readonly Reach[] {
  const levels = lines.flatMap((line) => placed(line, log) ?? []);
  const usual = (values: number[]) => values.sort((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;
  const high = usual(reaches.map((each) => each.high));
  const low = -usual(reaches.map((each) => -each.low));
  const width = usual(reaches.map((each) => each.high - each.low));
  // Logarithms are of the same size whatever their values are; and of values of about one none is ever far.
  const size = log ? Math.max(DECADES, width) : FAR * Math.max(1, width, ...[high, low, ...levels].map(Math.abs));
  const near = reaches.filter((each) => each.high <= high + size && each.low >= low - size);
  return near.length ? near : reaches;
}

/** What a job's metric was at a place of the axis, or is at last; null beyond its ends. */
export function readAt({ job, curve }: Compared, metric: string, place: number | null, along: Along): Reading | null {
  if (place === null) return readingOf(curve, metric, bucketAt(curve, null));
  const step = stepOf(place, job.steps, along);
  const [first, last] = [curve.first_step[0], curve.last_step.at(-1)];
  if (first === undefined || last === undefined || step < first - curve.bucket_steps || step > last) return null;
  return readingOf(curve, metric, bucketAt(curve, step));
}
