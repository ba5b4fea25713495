// The values that mean something to the compared jobs' losses: where the game is even, by each loss's own declaration.

import type { Catalogue, Job } from "../api/types";

/** The lines across the chart of a metric; each value once. */
export function levelsOf(metric: string, jobs: readonly Job[], catalogue: Catalogue | undefined): number[] {
  const found = jobs.map((job) => levelOf(metric, job, catalogue));
  return [...new Set(found.filter((value) => value !== null).map((value) => Number(value.toFixed(6))))];
}

function levelOf(metric: string, job: Job, catalogue: Catalogue | undefined): number | null {
  if (metric === "d_loss" || metric === "g_loss" || metric === "total_loss") return job.equilibrium[metric];
  const { kind } = (job.spec.loss ?? {}) as { kind?: string };
  const facts = catalogue?.losses[kind ?? ""];
  if (metric === "d_real" || metric === "d_fake") return facts?.logit_is_probability ? 0.5 : null;
  if (metric === "d_real_logit" || metric === "d_fake_logit") return facts?.logit_boundary ?? null;
  return null;
}
