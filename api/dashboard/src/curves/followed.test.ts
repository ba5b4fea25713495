import { expect, test } from "vitest";
import type { MetricBuckets, Number_, StreamedRows } from "../api/types";
import { appended } from "./buckets";
import { continued, EVER } from "./followed";
import { MAX_POINTS } from "./range";

const NOTHING: MetricBuckets = {
  object: "metric_buckets",
  job_id: "job",
  segment: 0,
  bucket_steps: 1,
  first_step: [],
  last_step: [],
  count: [],
  columns: { d_loss: { min: [], max: [], mean: [], last: [], non_finite: [] } },
  next_step: 1,
};
const rows = (first: number, last: number): StreamedRows => {
  const step = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  return { segment: 0, columns: { step, d_loss: step.map((each): Number_ => each) } };
};
const curveOf = (last: number) => appended(NOTHING, rows(1, last), MAX_POINTS);

test("rows that came while the curve was asked for leave no gap and come once", () => {
  const base = curveOf(100);
  const { curve } = continued({ base, curve: base, asked: EVER }, rows(90, 120));
  expect(curve.last_step).toEqual(Array.from({ length: 120 }, (_, at) => at + 1));
  expect(curve.columns.d_loss?.last.at(-1)).toBe(120);
  expect(base.last_step.at(-1)).toBe(100);
});

test("a range takes what belongs to it, and else stays as it is", () => {
  const base = curveOf(100);
  const within = continued({ base, curve: base, asked: [1, 110] }, rows(101, 120));
  expect(within.curve.last_step.at(-1)).toBe(110);
  expect(continued(within, rows(121, 140))).toBe(within);
});

test("the whole curve has no more points than are asked for, a range that follows the end keeps every step", () => {
  const base = curveOf(MAX_POINTS);
  const more = rows(MAX_POINTS + 1, MAX_POINTS + 100);
  expect(continued({ base, curve: base, asked: EVER }, more).curve.bucket_steps).toBe(2);
  expect(continued({ base, curve: base, asked: [1, 10_000] }, more).curve.bucket_steps).toBe(1);
});
