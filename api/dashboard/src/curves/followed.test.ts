import { expect, test } from "vitest";
import type { MetricBuckets, Number_, StreamedRows } from "../api/types";
import { appended } from "./buckets";
import { continued, EVER, type Followed, takenBack } from "./followed";
import { MAX_POINTS, type Range } from "./range";

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
const begun = (base: MetricBuckets, asked: Range = EVER, last: number | null = null): Followed => ({
  base,
  curve: base,
  asked,
  from: asked[0],
  segment: null,
  last,
});

test("rows that came while the curve was asked for leave no gap and come once", () => {
  const base = curveOf(100);
  const { curve } = continued(begun(base), rows(90, 120));
  expect(curve.last_step).toEqual(Array.from({ length: 120 }, (_, at) => at + 1));
  expect(curve.columns.d_loss?.last.at(-1)).toBe(120);
  expect(base.last_step.at(-1)).toBe(100);
});

test("a range takes what belongs to it, and else stays as it is", () => {
  const base = curveOf(100);
  const within = continued(begun(base, [1, 110]), rows(101, 120));
  expect(within.curve.last_step.at(-1)).toBe(110);
  expect(continued(within, rows(121, 140))).toBe(within);
});

test("the whole curve has no more points than are asked for, a range that follows the end keeps every step", () => {
  const base = curveOf(MAX_POINTS);
  const more = rows(MAX_POINTS + 1, MAX_POINTS + 100);
  expect(continued(begun(base), more).curve.bucket_steps).toBe(2);
  expect(continued(begun(base, [1, 10_000]), more).curve.bucket_steps).toBe(1);
});

test("a view that follows the end shows every step of it however long it is followed", () => {
  let followed = begun(curveOf(1000), [1, 1_000_000], 1000);
  for (let step = 1000; step < 9000; step += 250) followed = continued(followed, rows(step + 1, step + 250));
  const { curve, from } = followed;
  expect([curve.bucket_steps, curve.count.length, curve.first_step[0], curve.last_step.at(-1), from]).toEqual([
    1, 1000, 8001, 9000, 8001,
  ]);
  // A lot at once, as after a page was hidden.
  const late = continued(begun(curveOf(1000), [1, 1_000_000], 1000), rows(1001, 9000));
  expect(late.curve).toEqual({ ...curve, next_step: 9001 });
});

test("after a rewind the followed view is known not to reach as far back as is wanted", () => {
  const followed = continued(begun(curveOf(1000), [1, 1_000_000], 1000), rows(1001, 5000));
  const back = takenBack(followed, 4500);
  expect([back.from, back.curve.last_step.at(-1), back.curve.next_step]).toEqual([4001, 4500, 4501]);
  const gone = takenBack(followed, 3000);
  expect([gone.curve.count, gone.curve.next_step]).toEqual([[], 4001]);
  // Rows before those that were asked for are not taken for its own.
  expect(continued(gone, rows(3001, 3100)).curve.count).toEqual([]);
});
