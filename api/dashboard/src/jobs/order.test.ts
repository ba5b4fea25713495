import { expect, test } from "vitest";
import { job } from "./fixture";
import { held, ordered, pending } from "./order";

const OVER = { finished_at: "2026-01-02T00:00:00Z" };
const JOBS = [
  job("a", { name: "run 10", status: "succeeded", progress: 1, ...OVER }),
  job("b", { name: "run 9", severity: "alarm", progress: 0.2 }),
  job("c", { name: null, status: "queued", progress: 0 }),
  job("d", { name: "Run 1", progress: 0.7 }),
  job("h", { name: "run 5", status: "paused", progress: 0.9 }),
  job("e", { name: "run 2", status: "failed", severity: "alarm", progress: 0.4, ...OVER }),
  job("f", { name: "run 3", severity: "caution", progress: 0.7 }),
  job("g", { name: "run 4", status: "succeeded", severity: "alarm", progress: 1, ...OVER }),
];

test("jobs are ordered by what is asked for, the newer one first where that is alike", () => {
  expect(ordered(JOBS, "newest").join("")).toBe("hgfedcba");
  expect(ordered(JOBS, "attention").join("")).toBe("begfdhca");
  expect(ordered(JOBS, "progress").join("")).toBe("fdbhcgae");
  expect(ordered(JOBS, "name").join("")).toBe("defghbac");
});

test("while the list is held nothing moves, but what is deleted goes", () => {
  const jobs = new Map(JOBS.map((each) => [each.id, each]));
  const shown = ["c", "a", "b"];
  expect(held(shown, jobs)).toBe(shown);
  jobs.delete("a");
  expect(held(shown, jobs)).toEqual(["c", "b"]);
});

test("what waits is counted", () => {
  expect(pending(["a", "b"], ["a", "b"])).toBe(0);
  expect(pending(["a", "b"], ["b", "a"])).toBe(2);
  expect(pending(["a", "b"], ["c", "b"])).toBe(2);
});
