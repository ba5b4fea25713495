import { expect, test } from "vitest";
import type { MetricBuckets, Number_ } from "../api/types";
import { appended, fitted, rewound } from "./buckets";

const EMPTY: MetricBuckets = {
  object: "metric_buckets",
  job_id: "job",
  segment: 0,
  bucket_steps: 1,
  first_step: [],
  last_step: [],
  count: [],
  columns: { d_loss: { min: [], max: [], mean: [], last: [], non_finite: [] }, total_loss: null },
  next_step: 1,
};
const rows = (first: number, values: Number_[]) => ({
  segment: 0,
  columns: { step: values.map((_, index) => first + index), d_loss: values },
});

test("rows become buckets of the API's bounds, and a spike stays in its bucket's greatest", () => {
  const curve = appended(EMPTY, rows(1, [1, 2, 3, 99, 5, 6, 7]), 4);
  expect(curve.bucket_steps).toBe(2);
  expect(curve.first_step).toEqual([1, 3, 5, 7]);
  expect(curve.last_step).toEqual([2, 4, 6, 7]);
  expect(curve.columns.d_loss?.max).toEqual([2, 99, 6, 7]);
  expect(curve.columns.d_loss?.mean).toEqual([1.5, 51, 5.5, 7]);
  expect(curve.next_step).toBe(8);
});

test("what is appended in parts is what is appended at once", () => {
  const values = Array.from({ length: 200 }, (_, index) => Math.sin(index));
  let parts = EMPTY;
  for (let at = 0; at < 200; at += 7) parts = appended(parts, rows(1 + at, values.slice(at, at + 7)), 16);
  const whole = appended(EMPTY, rows(1, values), 16);
  expect({ ...parts, columns: null }).toEqual({ ...whole, columns: null });
  expect(parts.columns.d_loss?.max).toEqual(whole.columns.d_loss?.max);
  parts.columns.d_loss?.mean.forEach((mean, at) =>
    expect(mean).toBeCloseTo(whole.columns.d_loss?.mean[at] as number, 9),
  );
});

test("values that are no numbers are counted, and not in the mean", () => {
  const curve = fitted(appended(EMPTY, rows(1, ["NaN", 4, null, 2]), 2), 2);
  expect(curve.columns.d_loss).toEqual({ min: [4, 2], max: [4, 2], mean: [4, 2], last: [4, 2], non_finite: [1, 1] });
});

test("rows that are there are passed over, and a rewind takes later ones away", () => {
  const curve = appended(EMPTY, rows(1, [1, 2, 3, 4]), 2);
  expect(appended(curve, rows(3, [30, 40]), 2)).toEqual(curve);
  const back = rewound(curve, 3);
  expect([back.last_step, back.next_step]).toEqual([[2], 3]);
  expect(appended(back, rows(3, [7]), 2).columns.d_loss?.last).toEqual([2, 7]);
});
