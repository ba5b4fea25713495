// The band around a curve: from the least to the greatest value of each bucket.

import type { MetricBuckets, MetricSummaries } from "../api/types";
import type { Range } from "./range";
import { placed, type Scale } from "./scale";

/** Where the buckets [from, to) are drawn: in the middle of their steps. */
export const middles = (curve: MetricBuckets, [from, to]: Range): number[] =>
  curve.first_step.slice(from, to).map((first, at) => (first + (curve.last_step[from + at] as number)) / 2);

/** The outlines of the band over the buckets `part`, drawn at `steps`, as (step, place) points: there along the greatest values and
 * back along the least. One for each stretch without a hole. What has no place on a logarithmic axis lies at its foot. */
export function bandOf(
  held: MetricSummaries,
  steps: readonly number[],
  part: Range,
  scale: Scale,
): [number, number][][] {
  const stretches: { there: [number, number][]; back: [number, number][] }[] = [];
  let open = false;
  steps.forEach((step, at) => {
    const most = placed(held.max[part[0] + at], scale.log);
    const least = placed(held.min[part[0] + at], scale.log);
    if (most === null) {
      open = false;
      return;
    }
    if (!open) stretches.push({ there: [], back: [] });
    open = true;
    stretches.at(-1)?.there.push([step, most]);
    stretches.at(-1)?.back.push([step, least ?? scale.low]);
  });
  return stretches.map(({ there, back }) => [...there, ...back.reverse()]);
}
