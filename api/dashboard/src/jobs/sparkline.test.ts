import { expect, test } from "vitest";
import type { MetricBuckets } from "../api/types";
import { HEIGHT, sparkline, WIDTH } from "./sparkline";

type Means = (number | null)[];
function curve(d: Means, g: Means, first = d.map((_, at) => 10 * at + 1)): MetricBuckets {
  const of = (mean: Means) => ({ min: mean, max: mean, mean, last: mean, non_finite: mean.map(() => 0) });
  const last = first.map((step) => step + 9);
  const columns = { d_loss: of(d), g_loss: of(g) };
  const count = d.map(() => 10);
  return {
    object: "metric_buckets",
    job_id: "x",
    segment: 0,
    bucket_steps: 10,
    first_step: first,
    last_step: last,
    count,
    columns,
    next_step: 1,
  };
}
const NONE = { d_loss: null, g_loss: null, total_loss: null };

test("a curve runs from left to right, great values above", () => {
  const drawn = sparkline(curve([0, 1, 2], [2, 2, 2]), { ...NONE, d_loss: 1 });
  expect(drawn?.d_loss.path).toMatch(/^M[\d.]+ 38L66 20L[\d.]+ 2$/);
  expect(drawn?.g_loss.path.match(/ 2(?=L|$)/g)).toHaveLength(3);
  expect([drawn?.d_loss.equilibrium, drawn?.g_loss.equilibrium]).toEqual([20, null]);
});

test("an equilibrium that the losses are far from is in the picture", () => {
  const drawn = sparkline(curve([10, 12], [10, 12]), { ...NONE, g_loss: 0 });
  expect(drawn?.g_loss.equilibrium).toBe(HEIGHT - 2);
});

test("a line is broken where there is no number, and one alone is a dot", () => {
  const path = sparkline(curve([1, null, 2, null, 1, 3], [1, 1, 1, 1, 1, 1]), NONE)?.d_loss.path ?? "";
  expect(path.match(/M/g)).toHaveLength(3);
  expect(path.match(/h0/g)).toHaveLength(2);
});

test("one spike does not flatten the rest, and stays within the box", () => {
  const d = Array.from({ length: 60 }, (_, at) => (at === 30 ? 1e6 : at % 2));
  const path = sparkline(curve(d, d), NONE)?.d_loss.path ?? "";
  const heights = [...path.matchAll(/ ([\d.]+)/g)].map((match) => Number(match[1]));
  expect(new Set(heights)).toEqual(new Set([2, 38]));
});

test("a single bucket, equal values, and nothing at all", () => {
  expect(sparkline(curve([3], [3]), NONE)?.d_loss.path).toBe(`M${WIDTH / 2} ${HEIGHT / 2}h0`);
  expect(sparkline(curve([null], [null]), NONE)).toBeNull();
  expect(sparkline({ ...curve([], []), columns: { d_loss: null, g_loss: null } }, NONE)).toBeNull();
});
