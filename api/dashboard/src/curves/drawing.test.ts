import { expect, test } from "vitest";
import type { MetricBuckets } from "../api/types";
import { bandOf, middles } from "./band";
import { peaks } from "./peaks";
import { even, marks, placed, scaleOf, valueAt, withoutPlace } from "./scale";
import { smoothed } from "./smoothing";
import { judged } from "./verdicts";

function curveOf(means: (number | null)[], spike: [at: number, value: number] | null = null): MetricBuckets {
  const max = means.map((mean, at) => (at === spike?.[0] ? spike[1] : mean));
  const at = (index: number) => 2 * index;
  return {
    object: "metric_buckets",
    job_id: "job",
    segment: 0,
    bucket_steps: 2,
    first_step: means.map((_, index) => at(index) + 1),
    last_step: means.map((_, index) => at(index) + 2),
    count: means.map(() => 2),
    columns: { d_loss: { min: means, max, mean: means, last: means, non_finite: means.map(() => 0) } },
    next_step: at(means.length) + 1,
  };
}

test("smoothing does not lean on a beginning at nought, and passes over what is no number", () => {
  expect(smoothed([5, 5, null, 5], 0.9).map((value) => value && Number(value.toFixed(9)))).toEqual([5, 5, null, 5]);
  const [first, second] = smoothed([0, 1], 0.5);
  expect(first).toBe(0);
  expect(second).toBeCloseTo(0.5 / 0.75, 12);
  expect(smoothed([1, null, 3], 0)).toEqual([1, null, 3]);
});

test("the axis holds a spike and the equilibrium, and nothing of other steps", () => {
  const curve = curveOf([1, 1, 1, 1], [2, 40]);
  expect(scaleOf(curve, ["d_loss"], [1, 8], false).high).toBeGreaterThan(40);
  expect(scaleOf(curve, ["d_loss"], [1, 4], false, [1.386]).high).toBeLessThan(1.5);
  expect(scaleOf(curve, ["none"], [1, 8], false)).toEqual({ log: false, low: 0, high: 1 });
});

test("an axis that cuts outliers leaves out one spike, and keeps what lasts", () => {
  const values = Array.from({ length: 200 }, (_, at) => 1 + (at % 10) / 10);
  const spiked = curveOf(values, [77, 40]);
  expect(scaleOf(spiked, ["d_loss"], [1, 400], false, [], true).high).toBeLessThan(4);
  const risen = curveOf(values.map((value, at) => (at > 180 ? 40 : value)));
  expect(scaleOf(risen, ["d_loss"], [1, 400], false, [], true).high).toBeGreaterThan(40);
  const calm = curveOf(values);
  expect(scaleOf(calm, ["d_loss"], [1, 400], false, [], true)).toEqual(scaleOf(calm, ["d_loss"], [1, 400], false));
});

test("a logarithmic axis has no place for what is not above nought, and says how much that is", () => {
  expect([placed(100, true), placed(0, true), placed(-1, true), placed(null, true), placed(-1, false)]).toEqual([
    2,
    null,
    null,
    null,
    -1,
  ]);
  expect(valueAt(2, true)).toBe(100);
  expect(withoutPlace(curveOf([-1, 0, 1, null]), "d_loss", [1, 8])).toBe(2);
  const scale = scaleOf(curveOf([-1, 0.01, 10]), ["d_loss"], [1, 6], true);
  expect(scale.low).toBeLessThan(-2);
  expect(scale.low).toBeGreaterThan(-2.5);
});

test("each time that a curve goes beyond the edge is one peak, and the greatest is the farthest", () => {
  const places = [
    0,
    7,
    9,
    null,
    8,
    ...Array.from({ length: 20 }, () => 1),
    30,
    2,
    ...Array.from({ length: 9 }, () => 0),
    6,
  ];
  expect(peaks(places, 5)).toEqual([
    { at: 2, place: 9, farthest: false },
    { at: 25, place: 30, farthest: true },
    { at: 36, place: 6, farthest: false },
  ]);
  expect(peaks([1, null], 5)).toEqual([]);
});

test("marks are round values", () => {
  expect(even(0, 4000, 4)).toEqual([0, 1000, 2000, 3000, 4000]);
  expect(even(0.61, 1.48, 4)).toEqual([0.8, 1, 1.2, 1.4]);
  expect(even(3, 3, 4)).toEqual([]);
  expect(marks({ log: true, low: -2.2, high: 1.2 }, 4)).toEqual([-2, -1, 0, 1]);
  expect(marks({ log: true, low: 0, high: 1 }, 4).map((place) => Math.round(10 ** place))).toEqual([1, 2, 5, 10]);
  expect(marks({ log: true, low: Math.log10(1.3), high: Math.log10(1.5) }, 4).length).toBeGreaterThan(1);
});

test("a band goes there along the greatest values and back along the least, and stops at a hole", () => {
  const curve = curveOf([1, 2, null, 4], [1, 9]);
  const held = curve.columns.d_loss as NonNullable<MetricBuckets["columns"][string]>;
  const steps = middles(curve, [0, 4]);
  expect(steps).toEqual([1.5, 3.5, 5.5, 7.5]);
  expect(bandOf(held, steps, [0, 4], { log: false, low: 0, high: 10 })).toEqual([
    [
      [1.5, 1],
      [3.5, 9],
      [3.5, 2],
      [1.5, 1],
    ],
    [
      [7.5, 4],
      [7.5, 4],
    ],
  ]);
});

test("on a logarithmic axis a band reaches its foot where the least value has no place", () => {
  const held = { min: [-1], max: [100], mean: [50], last: [1], non_finite: [0] };
  expect(bandOf(held, [3], [0, 1], { log: true, low: -2, high: 3 })).toEqual([
    [
      [3, 2],
      [3, -2],
    ],
  ]);
});

test("verdicts leave no hole between them: an assessment looks back to the one before it", () => {
  const each = { verdict: "balanced", severity: "ok", confidence: 1, sentence: "", segment: 0 } as const;
  const found = judged(
    [
      { ...each, from_step: 700, to_step: 4000 },
      { ...each, from_step: 100, to_step: 600 },
    ],
    1,
  );
  expect(found.map(({ first, to_step }) => [first, to_step])).toEqual([
    [1, 600],
    [601, 4000],
  ]);
});
