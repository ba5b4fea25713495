// The order of the list, which is live and yet keeps still.
//
// Rows change in place at every answer. They change places (and come and go) together, at most every `SETTLED` ms, and
// not at all while one points at a row or has the focus in one: what one is about to click on must not move away.
// What is asked for by hand (another order, another filter) holds at once.

import type { JobSummary } from "../api/types";
import type { Order } from "./filter";
import { type Jobs, newestFirst } from "./merge";

export const SETTLED = 3_000;

type Compare = (a: JobSummary, b: JobSummary) => number;

/** What wants a look comes first: alarms of jobs that go on, failures, other alarms, then what goes on, then the rest. */
function attention(job: JobSummary): number {
  const goesOn = job.finished_at === null;
  if (goesOn && job.severity === "alarm") return 0;
  if (job.status === "failed") return 1;
  if (job.severity === "alarm") return 2;
  if (goesOn && job.severity === "caution") return 3;
  return { running: 4, pausing: 4, cancelling: 4, paused: 5, queued: 6, succeeded: 7, cancelled: 8 }[job.status];
}

/** What moves comes first, what moves no more last. */
const standing = (job: JobSummary): number =>
  ({ running: 0, pausing: 0, cancelling: 0, paused: 1, queued: 2, succeeded: 3, failed: 3, cancelled: 3 })[job.status];
const byName = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

const COMPARE: Record<Order, Compare> = {
  newest: () => 0,
  attention: (a, b) => attention(a) - attention(b),
  progress: (a, b) => standing(a) - standing(b) || b.progress - a.progress,
  name: (a, b) => byName.compare(a.name ?? "\uffff", b.name ?? "\uffff"),
};

/** Ids in an order; where it does not tell two jobs apart, the newer one comes first. */
export function ordered(jobs: readonly JobSummary[], order: Order): string[] {
  const compare = COMPARE[order];
  return [...jobs].sort((a, b) => compare(a, b) || newestFirst(a, b)).map((job) => job.id);
}

/** `shown` while it is held: nothing moves, but what is deleted goes. */
export function held(shown: readonly string[], jobs: Jobs): readonly string[] {
  return shown.every((id) => jobs.has(id)) ? shown : shown.filter((id) => jobs.has(id));
}

/** How many rows would come, go, or be elsewhere. */
export function pending(shown: readonly string[], wanted: readonly string[]): number {
  const here = new Set(shown);
  const there = new Set(wanted);
  const come = wanted.filter((id) => !here.has(id)).length;
  const gone = shown.filter((id) => !there.has(id)).length;
  if (come || gone) return come + gone;
  return wanted.filter((id, at) => shown[at] !== id).length;
}
