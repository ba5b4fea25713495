import { expect, test } from "vitest";
import type { MetricBuckets } from "../api/types";
import { ALL, type Range } from "./range";
import { apartOf, isNews } from "./pace";

const curveOf = (points: number, width = 8): MetricBuckets => ({
  object: "metric_buckets",
  job_id: "job",
  segment: 0,
  bucket_steps: width,
  first_step: Array.from({ length: points }, (_, at) => at * width + 1),
  last_step: Array.from({ length: points }, (_, at) => (at + 1) * width),
  count: Array.from({ length: points }, () => width),
  columns: {},
  next_step: points * width + 1,
});

test("nothing is waited for less than a point's steps, and what is beyond the range is not waited for at all", () => {
  expect(apartOf(ALL, curveOf(1000), [1, 8000], [1, 8000])).toBe(8);
  expect(apartOf({ kind: "last", steps: 4000 }, curveOf(4000, 1), [1, 4000], [1, 4000])).toBe(3);
  const past = { kind: "range", from: 1, to: 100 } as const;
  expect(apartOf(past, curveOf(100), [1, 100], [1, 8000])).toBe(Number.POSITIVE_INFINITY);
  expect(apartOf({ ...past, to: 9000 }, curveOf(100), [1, 8000], [1, 8000])).toBe(8);
  expect(apartOf(ALL, null, null, null)).toBe(1);
});

test("a chart is drawn anew for another point, for a pixel of movement, and now and then", () => {
  const curve = curveOf(1000);
  const drawn = { curve, range: [1, 8000] as Range, at: 0 };
  const grown = { ...curve, next_step: 8004 };
  expect(isNews(drawn, { ...drawn, at: 1e9 })).toBe(false);
  expect(isNews(drawn, { curve: grown, range: [1, 8003], at: 1000 })).toBe(false);
  expect(isNews(drawn, { curve: grown, range: [1, 8003], at: 5000 })).toBe(true);
  expect(isNews(drawn, { curve: curveOf(1001), range: [1, 8008], at: 1000 })).toBe(true);
  expect(isNews(drawn, { curve: grown, range: [1, 8020], at: 1000 })).toBe(true);
  expect(isNews(drawn, { curve: curveOf(1000, 16), range: [1, 8000], at: 1 })).toBe(true);
  expect(isNews(drawn, { curve: { ...curve, next_step: 7000 }, range: [1, 8000], at: 1 })).toBe(true);
});
