// Health in words: how sure a verdict is, what a signal is, how it stood at a step.

import type { HealthInterval, Json } from "../api/types";

export function confidenceWord(confidence: number): string {
  if (confidence >= 0.8) return "very sure";
  if (confidence >= 0.5) return "sure";
  return confidence >= 0.2 ? "fairly sure" : "barely";
}

/** The interval that a step lies in: the last that began by then. Intervals are in the order of their steps. */
export function standingAt(intervals: readonly HealthInterval[], step: number): HealthInterval | null {
  let [low, high] = [0, intervals.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((intervals[middle] as HealthInterval).from_step <= step) low = middle + 1;
    else high = middle;
  }
  return intervals[low - 1] ?? null;
}

/** What an advice's field is in a spec now: fields.of.it by name; undefined where the spec has none such. */
export function valueAt(spec: Json, field: string): Json | undefined {
  let found: Json | undefined = spec;
  for (const part of field.split(".")) {
    if (found === null || typeof found !== "object") return undefined;
    found = Array.isArray(found) ? found[Number(part)] : found[part];
  }
  return found;
}
