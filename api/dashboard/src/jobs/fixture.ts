// A job for the tests of the list.

import type { JobSummary } from "../api/types";

export function job(id: string, more: Partial<JobSummary> = {}): JobSummary {
  return {
    id,
    name: id,
    status: "running",
    status_reason: null,
    verdict: null,
    severity: null,
    step: 10,
    steps: 100,
    progress: 0.1,
    start_step: 0,
    steps_per_second: 5,
    estimated_seconds_left: 18,
    metadata: {},
    equilibrium: { d_loss: 2, g_loss: 1, total_loss: null },
    priority: 0,
    attempt: 1,
    worker_id: null,
    rollbacks: 0,
    origin: null,
    created_at: "2026-01-01T00:00:00.000000Z",
    started_at: null,
    finished_at: null,
    dataset: "digits",
    loss: "non_saturating",
    d_loss: 2,
    g_loss: 1,
    newest_sample: null,
    changed_at: null,
    ...more,
  };
}
