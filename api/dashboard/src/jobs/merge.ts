// The jobs that are known, brought up to date by what the API answers.

import type { JobSummary } from "../api/types";

export type Jobs = ReadonlyMap<string, JobSummary>;

/**
 * `known` with `news` in it. A job that is as it was stays the same object, and where all are, so does the map: what
 * shows them need not be drawn again.
 */
export function merged(known: Jobs, news: readonly JobSummary[]): Jobs {
  const changed = news.filter((job) => !same(known.get(job.id), job));
  if (changed.length === 0) return known;
  const next = new Map(known);
  for (const job of changed) next.set(job.id, job);
  return next;
}

/**
 * `known` after all jobs from the newest on were asked for: those that did not come are gone. With `more` there are
 * older ones than the last of `all`, of which the answer says nothing: they stay.
 */
export function reconciled(known: Jobs, all: readonly JobSummary[], more: boolean): Jobs {
  const there = new Set(all.map((job) => job.id));
  const oldest = all.at(-1);
  const next = merged(known, all);
  const gone = [...known.values()].filter(
    (job) => !there.has(job.id) && !(more && oldest !== undefined && newestFirst(oldest, job) < 0),
  );
  if (gone.length === 0) return next;
  const left = new Map(next);
  for (const job of gone) left.delete(job.id);
  return left;
}

/** The API's own order. Ids grow with time, too. */
export function newestFirst(a: JobSummary, b: JobSummary): number {
  if (a.created_at !== b.created_at) return a.created_at < b.created_at ? 1 : -1;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

function same(a: JobSummary | undefined, b: JobSummary): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
