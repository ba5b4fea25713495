import { expect, test } from "vitest";
import { confidenceWord, isAssessed, valueAt } from "./health";

test("confidence in words that fit the number", () => {
  expect([0, 0.37, 0.5, 0.79, 0.8, 1].map((share) => confidenceWord(share).split(" ")[0])).toEqual([
    "low",
    "low",
    "moderate",
    "moderate",
    "high",
    "high",
  ]);
});

test("a report without evidence and confidence is of no assessment", () => {
  const evidence = [{ signal: "shift", value: 0.1, threshold: null, reference: null, first_step: 1, last_step: 2 }];
  expect(isAssessed({ evidence: [], confidence: 0 })).toBe(false);
  expect(isAssessed({ evidence, confidence: 0 })).toBe(true);
  expect(isAssessed({ evidence: [], confidence: 0.4 })).toBe(true);
});

test("a field by its dotted path", () => {
  const spec = { generator: { optimizer: { learning_rate: 1 } }, regularizers: [{ kind: "r1" }] };
  expect(valueAt(spec, "generator.optimizer.learning_rate")).toBe(1);
  expect(valueAt(spec, "regularizers.0.kind")).toBe("r1");
  expect(valueAt(spec, "generator.optimizer.learning_rate.x")).toBeUndefined();
  expect(valueAt(spec, "pack")).toBeUndefined();
});
