// Small curves of the rows that are seen, asked for together and kept; those of jobs that train are renewed.

import { get, path } from "../api/http";
import type { JobSummary, MetricBuckets, Page } from "../api/types";

const POINTS = 60;
/** The API's own limit. */
const AT_ONCE = 64;
const RENEWED_EVERY = 5_000;
/** Rows that pass by while one scrolls are not asked for. */
const SETTLED = 150;
const LOOKED_AFTER_EVERY = 1_000;
const WAIT_AFTER_FAILURE = 5_000;

interface HeldCurve {
  curve: MetricBuckets;
  /** The job's step when it was asked for. */
  step: number;
  at: number;
}

/** Those of `jobs` whose curve is not there, or is old and has grown since; at most as many as can be asked for at once. */
export function due(jobs: readonly JobSummary[], held: ReadonlyMap<string, HeldCurve>, now: number): JobSummary[] {
  const missing = jobs.filter((job) => !held.has(job.id));
  const grown = jobs.filter((job) => {
    const curve = held.get(job.id);
    return curve !== undefined && curve.step !== job.step && now - curve.at >= RENEWED_EVERY;
  });
  return [...missing, ...grown].slice(0, AT_ONCE);
}

class CurveFeed {
  private readonly held = new Map<string, HeldCurve>();
  private readonly watchers = new Map<string, Set<() => void>>();
  private seen: readonly JobSummary[] = [];
  private settling: number | undefined;
  private timer: number | undefined;
  private asking = false;
  private notBefore = 0;

  start(): void {
    this.timer = window.setInterval(() => void this.ask(), LOOKED_AFTER_EVERY);
  }

  stop(): void {
    window.clearInterval(this.timer);
    window.clearTimeout(this.settling);
    this.seen = [];
  }

  /** These rows are seen now. */
  show(jobs: readonly JobSummary[]): void {
    this.seen = jobs;
    window.clearTimeout(this.settling);
    this.settling = window.setTimeout(() => void this.ask(), SETTLED);
  }

  readonly get = (id: string): MetricBuckets | null => this.held.get(id)?.curve ?? null;

  watch(id: string, watcher: () => void): () => void {
    const watchers = this.watchers.get(id) ?? new Set();
    this.watchers.set(id, watchers.add(watcher));
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0) this.watchers.delete(id);
    };
  }

  private async ask(): Promise<void> {
    const jobs = due(this.seen, this.held, Date.now());
    if (this.asking || document.hidden || jobs.length === 0 || Date.now() < this.notBefore) return;
    this.asking = true;
    try {
      const query = { job: jobs.map((job) => job.id), keys: "d_loss,g_loss", max_points: POINTS };
      const { data } = await get<Page<MetricBuckets>>(path("/v1/curves", query));
      const found = new Map(data.map((curve) => [curve.job_id, curve]));
      for (const job of jobs) this.take(job, found.get(job.id));
    } catch {
      // That the service is away is told by the list.
      this.notBefore = Date.now() + WAIT_AFTER_FAILURE;
    } finally {
      this.asking = false;
    }
  }

  private take(job: JobSummary, curve: MetricBuckets | undefined): void {
    if (curve === undefined) return;
    this.held.set(job.id, { curve, step: job.step, at: Date.now() });
    for (const watcher of this.watchers.get(job.id) ?? []) watcher();
  }
}

export const curves = new CurveFeed();
