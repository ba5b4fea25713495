// The list of jobs, kept live: the newest page first, then what has changed since, and now and then all of it again.

import { ApiError, get, path } from "../api/http";
import type { JobSummary, SummaryPage } from "../api/types";
import { type Jobs, merged, reconciled } from "./merge";

const PAGE = 500;
const EVERY = 1_500;
const EVERY_HIDDEN = 15_000;
const LONGEST_WAIT = 15_000;
/** How long a deleted job may still be shown (ms): what has changed tells nothing of it. */
const RECONCILED_EVERY = 60_000;

export interface Known {
  jobs: Jobs;
  /** Whether anything was ever answered. */
  loaded: boolean;
  /** What went wrong the last time; null while the service answers. */
  error: Error | null;
  /** When `jobs` were last known to be as they are (ms by this machine's clock). */
  asOf: number;
  /** There are older jobs, which were not asked for. */
  hasMore: boolean;
  loadingOlder: boolean;
}

/** Asks from `start` to `stop`; keeps what it knows in between, so that the list is there at once when one comes back. */
class JobFeed {
  known: Known = { jobs: new Map(), loaded: false, error: null, asOf: 0, hasMore: false, loadingOlder: false };
  private now = "";
  /** The last job of the pages that were asked for. */
  private oldest: string | undefined;
  private pages = 1;
  private reconciledAt = 0;
  private failures = 0;
  private timer: number | undefined;
  private asking: AbortController | null = null;
  private readonly watchers = new Set<() => void>();

  start(): void {
    document.addEventListener("visibilitychange", this.atOnce);
    window.addEventListener("online", this.atOnce);
    void this.ask();
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.atOnce);
    window.removeEventListener("online", this.atOnce);
    window.clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = null;
  }

  /** For `useSyncExternalStore`. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  /** Ask now rather than when it is time to. */
  readonly atOnce = (): void => {
    if (document.hidden || this.asking) return;
    window.clearTimeout(this.timer);
    void this.ask();
  };

  /** Ask for a page of jobs older than those that are there. */
  readonly older = async (): Promise<void> => {
    if (!this.known.hasMore || this.known.loadingOlder) return;
    this.become({ loadingOlder: true });
    try {
      const page = await get<SummaryPage>(path("/v1/summaries", { limit: PAGE, after: this.oldest }));
      this.pages += 1;
      this.oldest = page.data.at(-1)?.id ?? this.oldest;
      this.become({ jobs: merged(this.known.jobs, page.data), hasMore: page.has_more, loadingOlder: false });
    } catch {
      // That the service is away, or has another list by now, is found and told by what asks all the time.
      this.reconciledAt = 0;
      this.become({ loadingOlder: false });
      this.atOnce();
    }
  };

  /** A job was deleted from here: the next look at all of them would tell, but need not be waited for. */
  readonly forget = (id: string): void => {
    const jobs = new Map(this.known.jobs);
    if (jobs.delete(id)) this.become({ jobs });
  };

  private async ask(): Promise<void> {
    const asking = new AbortController();
    this.asking = asking;
    try {
      const due = !this.now || this.failures > 0 || Date.now() - this.reconciledAt > RECONCILED_EVERY;
      const news = await (due ? this.all(asking.signal) : this.changes(asking.signal));
      if (asking.signal.aborted) return;
      this.failures = 0;
      this.become({ ...news, loaded: true, error: null, asOf: Date.now() });
    } catch (error) {
      if (asking.signal.aborted) return;
      this.failures += 1;
      this.become({ error: error instanceof Error ? error : new ApiError(String(error), 0) });
    }
    this.asking = null;
    this.timer = window.setTimeout(() => void this.ask(), this.wait());
  }

  private wait(): number {
    const wait = document.hidden ? EVERY_HIDDEN : EVERY;
    return this.failures ? Math.max(wait, Math.min(EVERY * 2 ** (this.failures - 1), LONGEST_WAIT)) : wait;
  }

  private async changes(signal: AbortSignal): Promise<Partial<Known>> {
    const { found, now } = await this.collect({ changed_since: this.now }, Number.POSITIVE_INFINITY, signal);
    this.now = now;
    return { jobs: merged(this.known.jobs, found) };
  }

  /** As many pages as are there, from the newest on. */
  private async all(signal: AbortSignal): Promise<Partial<Known>> {
    const pages = this.pages;
    const { found, now, more } = await this.collect({}, pages, signal);
    // Asked again at the next time if a page was added meanwhile.
    if (pages !== this.pages) return {};
    this.now = now;
    this.reconciledAt = Date.now();
    this.oldest = found.at(-1)?.id;
    return { jobs: reconciled(this.known.jobs, found, more), hasMore: more };
  }

  private async collect(query: { changed_since?: string }, pages: number, signal: AbortSignal) {
    const found: JobSummary[] = [];
    let [now, more, after] = ["", true, undefined as string | undefined];
    for (let page = 0; more && page < pages; page++) {
      const answer = await get<SummaryPage>(path("/v1/summaries", { ...query, limit: PAGE, after }), signal);
      now ||= answer.now; // what changed while the later pages came is asked for the next time
      found.push(...answer.data);
      after = answer.data.at(-1)?.id;
      more = answer.has_more;
    }
    return { found, now, more };
  }

  private become(news: Partial<Known>): void {
    this.known = { ...this.known, ...news };
    for (const watcher of this.watchers) watcher();
  }
}

export const feed = new JobFeed();
