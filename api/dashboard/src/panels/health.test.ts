import { expect, test } from "vitest";
import type { HealthInterval } from "../api/types";
import { confidenceWord, standingAt, valueAt } from "./health";

const interval = (from_step: number, verdict: string): HealthInterval => ({
  from_step,
  to_step: from_step,
  verdict,
  severity: "ok",
  confidence: 1,
  sentence: "",
  segment: 0,
});

test("a step is in the last interval that began by then", () => {
  const intervals = [interval(100, "warming_up"), interval(300, "balanced"), interval(900, "mode_collapse")];
  expect([50, 100, 299, 300, 5000].map((step) => standingAt(intervals, step)?.verdict)).toEqual([
    undefined,
    "warming_up",
    "warming_up",
    "balanced",
    "mode_collapse",
  ]);
  expect(standingAt([], 1)).toBeNull();
});

test("confidence in words", () => {
  expect([0, 0.2, 0.5, 0.8, 1].map(confidenceWord)).toEqual([
    "barely",
    "fairly sure",
    "sure",
    "very sure",
    "very sure",
  ]);
});

test("a field by its dotted path", () => {
  const spec = { generator: { optimizer: { learning_rate: 1 } }, regularizers: [{ kind: "r1" }] };
  expect(valueAt(spec, "generator.optimizer.learning_rate")).toBe(1);
  expect(valueAt(spec, "regularizers.0.kind")).toBe("r1");
  expect(valueAt(spec, "generator.optimizer.learning_rate.x")).toBeUndefined();
  expect(valueAt(spec, "pack")).toBeUndefined();
});
