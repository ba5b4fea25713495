import { expect, test } from "vitest";
import type { JobSummary } from "../api/types";
import { job } from "./fixture";
import { merged, newestFirst, reconciled } from "./merge";

const jobsOf = (...jobs: JobSummary[]) => new Map(jobs.map((each) => [each.id, each]));
const made = (id: string, second: number) => job(id, { created_at: `2026-01-01T00:00:0${second}Z` });

test("what has changed is taken, and what has not stays the same object", () => {
  const [a, b] = [job("a"), job("b")];
  const known = jobsOf(a, b);
  expect(merged(known, [job("a"), job("b")])).toBe(known);
  const next = merged(known, [job("a"), job("b", { step: 11 }), job("c")]);
  expect(next.get("a")).toBe(a);
  expect(next.get("b")?.step).toBe(11);
  expect([...next.keys()]).toEqual(["a", "b", "c"]);
  expect(known.get("b")?.step).toBe(10);
});

test("jobs that do not come in the whole list are gone", () => {
  const known = jobsOf(made("a", 1), made("b", 2), made("c", 3));
  expect([...reconciled(known, [made("c", 3), made("a", 1)], false).keys()]).toEqual(["a", "c"]);
  expect(reconciled(known, [made("c", 3), made("b", 2), made("a", 1)], false)).toBe(known);
  expect(reconciled(known, [], false).size).toBe(0);
});

test("of jobs older than the pages that were asked for nothing is said", () => {
  const known = jobsOf(made("a", 1), made("b", 2), made("c", 3), made("d", 4));
  expect([...reconciled(known, [made("d", 4), made("b", 2)], true).keys()]).toEqual(["a", "b", "d"]);
});

test("the newest comes first, by its id where times are alike", () => {
  expect([made("a", 1), made("c", 2), made("b", 2)].sort(newestFirst).map((each) => each.id)).toEqual(["c", "b", "a"]);
});
