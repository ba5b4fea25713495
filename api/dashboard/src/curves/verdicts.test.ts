import { expect, test } from "vitest";
import type { HealthInterval, Segment } from "../api/types";
import { beginOf, judged, verdictAt } from "./verdicts";

const interval = (from_step: number, to_step: number, verdict: string): HealthInterval => ({
  from_step,
  to_step,
  verdict,
  severity: "ok",
  confidence: 1,
  sentence: "",
  segment: 0,
});
const INTERVALS = [
  interval(900, 900, "mode_collapse"),
  interval(100, 200, "warming_up"),
  interval(300, 600, "balanced"),
];

test("an assessment speaks of the steps since the one before it, the first of all since the beginning", () => {
  expect(judged(INTERVALS, 0).map(({ first, to_step, verdict }) => [first, to_step, verdict])).toEqual([
    [0, 200, "warming_up"],
    [201, 600, "balanced"],
    [601, 900, "mode_collapse"],
  ]);
  expect(judged(INTERVALS.slice(1), Number.POSITIVE_INFINITY)[0]?.first).toBe(100);
});

test("one verdict to a step; none where nothing has been assessed yet", () => {
  const at = (step: number) => verdictAt(judged(INTERVALS, 0), step)?.verdict;
  expect([0, 99, 200, 201, 299, 600, 601, 900, 901].map(at)).toEqual([
    "warming_up",
    "warming_up",
    "warming_up",
    "balanced",
    "balanced",
    "balanced",
    "mode_collapse",
    "mode_collapse",
    undefined,
  ]);
  expect(verdictAt([], 1)).toBeNull();
});

test("a fork begins at its checkpoint, a stretch behind the step it was gone back to", () => {
  const job = { start_step: 40 };
  expect(beginOf(job, null)).toBe(40);
  expect(beginOf(job, 2, [{ number: 2, after_step: 500 } as Segment])).toBe(501);
  expect(beginOf(job, 2)).toBe(Number.POSITIVE_INFINITY);
});
