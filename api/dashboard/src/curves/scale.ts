// The upright axis of a chart: how values are placed on it, how far it reaches, and where it has marks.
//
// A logarithmic axis is a plain one of decimal logarithms: so bands, marks and lines are drawn alike on both.

import type { MetricBuckets } from "../api/types";
import type { Range } from "./range";
import { within } from "./reading";

export interface Scale {
  log: boolean;
  /** In what is placed: logarithms where `log`. */
  low: number;
  high: number;
}

/** Where a value is placed; null where it is none, or where a logarithmic axis has no place for it. */
export function placed(value: number | null | undefined, log: boolean): number | null {
  if (value === null || value === undefined) return null;
  if (!log) return value;
  return value > 0 ? Math.log10(value) : null;
}

/** The value that is placed at `place`. */
export const valueAt = (place: number, log: boolean): number => (log ? 10 ** place : place);

/** Where the least and the greatest values of a curve are placed, bucket by bucket. */
export interface Places {
  least: number[];
  most: number[];
}

/** The places of a metric in a range; null where it is not recorded. */
export function placesOf(curve: MetricBuckets, name: string, range: Range, log: boolean): Places | null {
  const held = curve.columns[name];
  if (!held) return null;
  const [from, to] = within(curve, range);
  const places = (column: readonly (number | null)[]) =>
    column.slice(from, to).flatMap((value) => placed(value, log) ?? []);
  // On a logarithmic axis the least value may have no place, and the mean have one.
  const means = places(held.mean);
  return { least: [...places(held.min), ...means], most: [...places(held.max), ...means] };
}

/** The axis that shows all of the metrics `names` in a range, from least to greatest, and the values `lines` too. With `cut`
 * it leaves out what is far beyond the rest. */
export function scaleOf(
  curve: MetricBuckets,
  names: readonly string[],
  range: Range,
  log: boolean,
  lines: readonly number[] = [],
  cut = false,
): Scale {
  const reaches = names.flatMap((name) => {
    const places = placesOf(curve, name, range, log);
    return (places && reachOf(places, log, cut)) ?? [];
  });
  return scaleOver(reaches, log, lines);
}

/** From where to where an axis goes for one curve. */
export interface Reach {
  low: number;
  high: number;
}

/** How far a curve goes, or with `cut` how far the bulk of it does; null where it has no place. */
export function reachOf({ least, most }: Places, log: boolean, cut: boolean): Reach | null {
  if (least.length === 0 || most.length === 0) return null;
  if (cut) return fenced(least, most, log ? DECADES : 0);
  return { low: least.reduce((a, b) => Math.min(a, b)), high: most.reduce((a, b) => Math.max(a, b)) };
}

/** The axis that holds all of `reaches` and `lines`, with some room. */
export function scaleOver(reaches: readonly Reach[], log: boolean, lines: readonly number[]): Scale {
  const levels = lines.flatMap((line) => placed(line, log) ?? []);
  const low = Math.min(...reaches.map((each) => each.low), ...levels);
  const high = Math.max(...reaches.map((each) => each.high), ...levels);
  if (low > high) return { log, low: log ? -1 : 0, high: 1 };
  const room = high > low ? 0.06 * (high - low) : log ? 0.2 : Math.max(0.05 * Math.abs(high), 0.01);
  return { log, low: low - room, high: high + room };
}

/** A logarithmic axis has room for what is a hundred times as much. */
export const DECADES = 2;

/** How far the bulk of some values reaches, with as much again to either side as lies between a tenth and nine of them. */
function fenced(least: number[], most: number[], atLeast: number): Reach {
  const share = (values: Float64Array, part: number) => values[Math.round(part * (values.length - 1))] as number;
  const [lower, upper] = [Float64Array.from(least).sort(), Float64Array.from(most).sort()];
  const room = Math.max(atLeast, share(upper, 0.9) - share(lower, 0.1));
  return {
    low: Math.max(lower[0] as number, share(lower, 0.02) - room),
    high: Math.min(upper.at(-1) as number, share(upper, 0.98) + room),
  };
}

/** How many values of a metric in a range a logarithmic axis has no place for, in points of the picture. */
export function withoutPlace(curve: MetricBuckets, name: string, range: Range): number {
  const held = curve.columns[name];
  if (!held) return 0;
  const [from, to] = within(curve, range);
  return held.mean.slice(from, to).filter((value) => value !== null && value <= 0).length;
}

/** Where the axis has marks, in what is placed: some `wanted` round values. */
export function marks({ log, low, high }: Scale, wanted: number): number[] {
  if (log && high - low > 0.5) return decades(low, high, wanted);
  // Within half a power of ten a logarithmic axis is nearly even, and has the marks of an even one.
  const [from, to] = [valueAt(low, log), valueAt(high, log)];
  return even(from, to, wanted).flatMap((value) => placed(value, log) ?? []);
}

const NEAREST = [
  [Math.sqrt(50), 10],
  [Math.sqrt(10), 5],
  [Math.sqrt(2), 2],
] as const;

/** Round values from `low` to `high`, evenly apart: by 1, 2 or 5 of a power of ten. */
export function even(low: number, high: number, wanted: number): number[] {
  const rough = (high - low) / Math.max(1, wanted);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  // The nearest of them, by ratio.
  const apart = power * (NEAREST.find(([least]) => rough >= least * power)?.[1] ?? 1);
  const found: number[] = [];
  for (let n = Math.ceil(low / apart); n * apart <= high; n++) found.push(Number((n * apart).toPrecision(12)));
  return found;
}

function decades(low: number, high: number, wanted: number): number[] {
  const within = high - low;
  const every = Math.max(1, Math.ceil(within / wanted));
  const parts = within < wanted / 2 ? [1, 2, 5] : [1];
  const found: number[] = [];
  for (let power = Math.floor(low); power <= high; power++) {
    if (power % every !== 0) continue;
    for (const part of parts) {
      const place = power + Math.log10(part);
      if (place >= low && place <= high) found.push(place);
    }
  }
  return found;
}
