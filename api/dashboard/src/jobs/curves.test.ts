import { expect, test } from "vitest";
import type { MetricBuckets } from "../api/types";
import { due } from "./curves";
import { job } from "./fixture";

const curve = {} as MetricBuckets;

test("curves that are missing come first, those that have grown after a while, others not again", () => {
  const jobs = [job("still"), job("grown", { step: 20 }), job("young", { step: 20 }), job("missing")];
  const held = new Map([
    ["still", { curve, step: 10, at: 0 }],
    ["grown", { curve, step: 10, at: 0 }],
    ["young", { curve, step: 10, at: 9_000 }],
  ]);
  expect(due(jobs, held, 10_000).map((each) => each.id)).toEqual(["missing", "grown"]);
});

test("no more are asked for at once than the API answers", () => {
  const jobs = Array.from({ length: 70 }, (_, at) => job(String(at)));
  expect(due(jobs, new Map(), 0)).toHaveLength(64);
});
