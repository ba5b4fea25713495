// A job as it trains: the API's server-sent events, gone on with after every loss of the connection.

import { path } from "./http";
import type { Evaluation, Health, Job, JobEvent, Sample, StreamedRows } from "./types";

export interface Messages {
  metrics: StreamedRows;
  sample: Sample;
  evaluation: Evaluation;
  report: Health;
  health: JobEvent;
  event: JobEvent;
  /** What of a job changes as it is trained. */
  job: Partial<Job>;
  /** What was recorded after `step` is no more. */
  rewind: { step: number };
  end: { reason: "finished" | "deleted"; status: string | null };
}
export type Kind = keyof Messages;
export type Connection = "connecting" | "live" | "lost" | "ended";

const KINDS: readonly Kind[] = ["metrics", "sample", "evaluation", "report", "health", "event", "job", "rewind", "end"];
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;

type Listener<K extends Kind> = (data: Messages[K]) => void;

/** One connection for all that a page shows of a job. Begins at `start`, ends at `close`. */
export class JobStream {
  connection: Connection = "connecting";
  private source: EventSource | null = null;
  private lastId = "";
  private wait = FIRST_WAIT;
  private timer: number | undefined;
  private readonly listeners = new Map<Kind, Set<Listener<Kind>>>();
  private readonly watchers = new Set<() => void>();
  private readonly jobId: string;

  constructor(jobId: string) {
    this.jobId = jobId;
  }

  /** Messages from behind what was recorded before `fromStep`, of the metrics `keys`. */
  start(keys: readonly string[], fromStep: number): void {
    this.close();
    this.open(path(`/v1/jobs/${this.jobId}/stream`, { keys: keys.join(","), from_step: fromStep }));
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.lastId = "";
  }

  /** Call `listener` with every message of a kind; returns what takes it back. */
  on<K extends Kind>(kind: K, listener: Listener<K>): () => void {
    const set = this.listeners.get(kind) ?? new Set<Listener<Kind>>();
    this.listeners.set(kind, set.add(listener as Listener<Kind>));
    return () => set.delete(listener as Listener<Kind>);
  }

  /** For `useSyncExternalStore`: told of every change of `connection`. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  private open(url: string): void {
    const source = new EventSource(this.lastId ? `${url}&last_event_id=${encodeURIComponent(this.lastId)}` : url);
    this.source = source;
    source.onopen = () => {
      this.wait = FIRST_WAIT;
      this.become("live");
    };
    source.onerror = () => {
      this.become("lost");
      // The browser tries again by itself unless it was answered with an error.
      if (source.readyState !== EventSource.CLOSED) return;
      this.timer = window.setTimeout(() => this.open(url), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    };
    for (const kind of KINDS)
      source.addEventListener(kind, (message) => this.take(kind, message as MessageEvent<string>));
  }

  private take(kind: Kind, message: MessageEvent<string>): void {
    this.lastId = message.lastEventId;
    const data = JSON.parse(message.data) as Messages[Kind];
    if (kind === "end") {
      this.source?.close();
      this.become("ended");
    }
    for (const listener of this.listeners.get(kind) ?? []) listener(data);
  }

  private become(connection: Connection): void {
    if (this.connection === connection) return;
    this.connection = connection;
    for (const watcher of this.watchers) watcher();
  }
}
