import { expect, test } from "vitest";
import type { MetricBuckets } from "../api/types";
import { bucketAt, extentOf, readingOf, recorded, since, stepsInWords, widthInWords, within } from "./reading";

const summaries = {
  min: [1, 2, null],
  max: [3, 9, null],
  mean: [2, 3, null],
  last: [3, 2, "NaN" as const],
  non_finite: [0, 1, 1],
};
// Buckets of four steps; of the last one only a step is there.
const CURVE: MetricBuckets = {
  object: "metric_buckets",
  job_id: "job",
  segment: 0,
  bucket_steps: 4,
  first_step: [1, 5, 21],
  last_step: [4, 8, 21],
  count: [4, 4, 1],
  columns: { d_loss: summaries, total_loss: null },
  next_step: 22,
};

test("the bucket of a step, or the nearest, or the last", () => {
  expect([0, 1, 4, 5, 8, 9, 14, 15, 21, 99, null].map((step) => bucketAt(CURVE, step))).toEqual([
    0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2,
  ]);
  expect(bucketAt({ ...CURVE, first_step: [], last_step: [] }, 3)).toBe(-1);
});

test("the buckets that touch a range", () => {
  expect(within(CURVE, [4, 5])).toEqual([0, 2]);
  expect(within(CURVE, [9, 20])).toEqual([2, 2]);
  expect(within(CURVE, [22, 30])).toEqual([3, 3]);
});

test("what a bucket holds, with what was no number", () => {
  expect(readingOf(CURVE, "d_loss", 1)).toEqual({ mean: 3, min: 2, max: 9, nonFinite: 1 });
  expect(readingOf(CURVE, "d_loss", 2)).toEqual({ mean: "NaN", min: null, max: null, nonFinite: 1 });
  expect(readingOf(CURVE, "total_loss", 0)).toBeNull();
  expect(readingOf(CURVE, "d_loss", -1)).toBeNull();
});

test("the end of a curve, its extent, its metrics, and words for it", () => {
  expect(since(CURVE, 5).columns.d_loss?.max).toEqual([9, null]);
  expect(since(CURVE, 2)).toBe(CURVE);
  expect(extentOf(CURVE)).toEqual([1, 21]);
  expect(recorded(CURVE)).toEqual(["d_loss"]);
  expect([stepsInWords(CURVE, 1), stepsInWords(CURVE, 2)]).toEqual(["steps 5 to 8", "step 21"]);
  expect([widthInWords(CURVE), widthInWords({ ...CURVE, bucket_steps: 1 })]).toEqual([
    "each point is 4 steps",
    "every step is shown",
  ]);
});
