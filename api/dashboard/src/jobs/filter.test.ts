import { expect, test } from "vitest";
import { addressOf, ALL, countsOf, type Filter, filtered, filterOf, narrows, stateOf } from "./filter";
import { job } from "./fixture";

const JOBS = [
  job("1", { name: "Digits wide", verdict: "balanced", severity: "ok" }),
  job("2", { name: null, status: "cancelling", verdict: "mode_collapse", severity: "alarm", dataset: "ring" }),
  job("3", { status: "failed", verdict: "non_finite", severity: "alarm", metadata: { project: "Thesis" } }),
  job("4", { status: "queued", loss: "hinge" }),
];
const idsOf = (filter: Partial<Filter>) => filtered(JOBS, { ...ALL, ...filter }).map((each) => each.id);

test("a filter is what its address says, and back", () => {
  const filter: Filter = {
    states: ["running", "failed"],
    severities: ["alarm"],
    verdict: "mode_collapse",
    text: "ring & more",
    order: "attention",
  };
  const address = addressOf(filter);
  expect(address).toBe("/?state=running,failed&severity=alarm&verdict=mode_collapse&q=ring+%26+more&order=attention");
  expect(filterOf(address.slice(2))).toEqual(filter);
  expect(addressOf(ALL)).toBe("/");
});

test("what an address says amiss is as if it were not there", () => {
  expect(filterOf("state=walking,&severity=bad&order=toString")).toEqual(ALL);
});

test("jobs are let through by state, health, verdict and every word of a text", () => {
  expect(idsOf({})).toEqual(["1", "2", "3", "4"]);
  expect(idsOf({ states: ["running", "queued"] })).toEqual(["1", "2", "4"]);
  expect(idsOf({ severities: ["alarm"] })).toEqual(["2", "3"]);
  expect(idsOf({ severities: ["alarm"], verdict: "mode_collapse" })).toEqual(["2"]);
  expect(idsOf({ text: "  WIDE digits " })).toEqual(["1"]);
  expect(idsOf({ text: "project=thesis" })).toEqual(["3"]);
  expect(idsOf({ text: "hinge" })).toEqual(["4"]);
  expect(idsOf({ text: "non saturating" })).toEqual(["1", "2", "3"]);
  expect([narrows(ALL), narrows({ ...ALL, order: "name" }), narrows({ ...ALL, text: "x" })]).toEqual([
    false,
    false,
    true,
  ]);
});

test("a job that is being paused or cancelled still counts as running", () => {
  expect(
    (["pausing", "cancelling", "running", "paused"] as const).map((status) => stateOf(job("x", { status }))),
  ).toEqual(["running", "running", "running", "paused"]);
});

test("a choice's count keeps all other criteria, and not its own", () => {
  const counts = countsOf(JOBS, { ...ALL, states: ["failed"], severities: ["alarm"] });
  expect(counts.states).toEqual({ running: 1, queued: 0, paused: 0, succeeded: 0, failed: 1, cancelled: 0 });
  expect(counts.severities).toEqual({ ok: 0, caution: 0, alarm: 1 });
  expect(counts.verdicts).toEqual({ non_finite: 1 });
});
