import { expect, test } from "vitest";
import { readable } from "./events";

test("verdicts are written in words and steps with separators; all else stays", () => {
  const verdicts = ["partial_mode_collapse", "diverging"];
  expect(readable("partial_mode_collapse since step 327001: 51891.7 times as far", verdicts)).toBe(
    "partial mode collapse since step 327,001: 51891.7 times as far",
  );
  expect(readable("back to step 250 after step 12000.", verdicts)).toBe("back to step 250 after step 12,000.");
  expect(readable("evaluate_every is 2000 on worker_1a", verdicts)).toBe("evaluate_every is 2000 on worker_1a");
});
