// What is compared and how, as the page's address says it: a comparison can be shared, and Back works.

import type { Along } from "./lines";

export const MOST_JOBS = 8;
/** Of all the curves of one answer together. */
const MOST_POINTS = 16_000;
const MOST_POINTS_EACH = 1_500;
const JOB_ID = /^job_[0-9a-f]{24}$/;
const ALWAYS = ["d_loss", "g_loss"] as const;

export interface Choice {
  jobs: readonly string[];
  metrics: readonly string[];
  /** What runs along the charts: steps, or the share of the job's own steps. */
  along: Along;
}

const listed = (written: string | null) => [...new Set((written ?? "").split(",").filter(Boolean))];

/** What the query of an address asks for; jobs beyond those that can be compared are passed over. */
export function choiceOf(query: URLSearchParams): Choice {
  const metrics = listed(query.get("metrics")).filter((name) => /^\w+$/.test(name));
  return {
    jobs: listed(query.get("jobs"))
      .filter((id) => JOB_ID.test(id))
      .slice(0, MOST_JOBS),
    metrics: metrics.length ? metrics : ALWAYS,
    along: query.get("x") === "progress" ? "progress" : "step",
  };
}

/** `query` with a choice in it, and all else as it was; what is as usual is not said. */
export function chosen(query: URLSearchParams, choice: Choice): URLSearchParams {
  const next = new URLSearchParams(query);
  const put = (name: string, value: string) => (value ? next.set(name, value) : next.delete(name));
  put("jobs", choice.jobs.join(","));
  const usual = choice.metrics.join() === ALWAYS.join() || choice.metrics.length === 0;
  put("metrics", usual ? "" : choice.metrics.join(","));
  put("x", choice.along === "step" ? "" : choice.along);
  return next;
}

/** Buckets to ask for of each of so many jobs. */
export const pointsEach = (jobs: number): number => Math.min(MOST_POINTS_EACH, Math.floor(MOST_POINTS / jobs));

/** Which of some values are the best ones; none where fewer than two can be compared. */
export function best(values: readonly unknown[], better: "higher" | "lower" | null | undefined): boolean[] {
  const known = values.filter((value): value is number => typeof value === "number");
  if (!better || known.length < 2 || new Set(known).size < 2) return values.map(() => false);
  const most = better === "higher" ? Math.max(...known) : Math.min(...known);
  return values.map((value) => value === most);
}
