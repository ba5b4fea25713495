// A job as it trains: the API's server-sent events, gone on with after every loss of the connection.
//
// A page that nobody sees holds no connection: a browser has six of them to a host, and more tabs than that would leave
// none to ask anything by.

import { ApiError, get, path } from "./http";
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
export type Connection = "connecting" | "live" | "paused" | "lost" | "ended" | "deleted";

const KINDS: readonly Kind[] = ["metrics", "sample", "evaluation", "report", "health", "event", "job", "rewind", "end"];
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;
/** How long a page may be hidden before its connection is given up (ms): a look at another tab is shorter. */
const HIDDEN_FOR = 5_000;

type Listener<K extends Kind> = (data: Messages[K]) => void;

/** One connection for all that a page shows of a job. Begins at `start`, ends at `close`. */
export class JobStream {
  connection: Connection = "connecting";
  private source: EventSource | null = null;
  private url: string | null = null;
  private lastId = "";
  private wait = FIRST_WAIT;
  private retry: number | undefined;
  private hiding: number | undefined;
  private readonly listeners = new Map<Kind, Set<Listener<Kind>>>();
  private readonly watchers = new Set<() => void>();
  private readonly jobId: string;

  constructor(jobId: string) {
    this.jobId = jobId;
  }

  /** Messages from behind what was recorded before `fromStep`, of the metrics `keys`. */
  start(keys: readonly string[], fromStep: number): void {
    this.close();
    this.url = path(`/v1/jobs/${this.jobId}/stream`, { keys: keys.join(","), from_step: fromStep });
    document.addEventListener("visibilitychange", this.seenOrNot);
    if (document.hidden) this.pause();
    else this.open();
  }

  close(): void {
    this.disconnect();
    document.removeEventListener("visibilitychange", this.seenOrNot);
    this.url = null;
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

  private readonly seenOrNot = (): void => {
    window.clearTimeout(this.hiding);
    if (this.connection === "ended" || this.connection === "deleted") return;
    if (document.hidden) this.hiding = window.setTimeout(() => this.pause(), HIDDEN_FOR);
    else if (this.connection === "paused") this.open();
  };

  private pause(): void {
    this.disconnect();
    this.wait = FIRST_WAIT;
    this.become("paused");
  }

  private disconnect(): void {
    window.clearTimeout(this.retry);
    window.clearTimeout(this.hiding);
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    if (this.url === null) return;
    const resumed = this.lastId ? `&last_event_id=${encodeURIComponent(this.lastId)}` : "";
    const source = new EventSource(this.url + resumed);
    this.source = source;
    source.onopen = () => {
      this.wait = FIRST_WAIT;
      this.become("live");
    };
    source.onerror = () => {
      this.become("lost");
      // The browser tries again by itself unless it was answered with an error.
      if (source.readyState !== EventSource.CLOSED) return;
      this.retry = window.setTimeout(() => void this.openIfThere(source), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    };
    for (const kind of KINDS)
      source.addEventListener(kind, (message) => this.take(kind, message as MessageEvent<string>));
  }

  /** A source does not say which error it was answered with: whether the job was deleted is asked for. */
  private async openIfThere(before: EventSource): Promise<void> {
    let gone = false;
    try {
      await get(`/v1/jobs/${this.jobId}`);
    } catch (error) {
      // All else is met again, and told, by the stream itself.
      gone = error instanceof ApiError && error.status === 404;
    }
    if (this.source !== before) return;
    if (gone) this.tell("end", { reason: "deleted", status: null });
    else this.open();
  }

  private take(kind: Kind, message: MessageEvent<string>): void {
    this.lastId = message.lastEventId;
    this.tell(kind, JSON.parse(message.data) as Messages[Kind]);
  }

  private tell<K extends Kind>(kind: K, data: Messages[K]): void {
    if (kind === "end") {
      this.disconnect();
      this.become((data as Messages["end"]).reason === "deleted" ? "deleted" : "ended");
    }
    for (const listener of this.listeners.get(kind) ?? []) listener(data);
  }

  private become(connection: Connection): void {
    if (this.connection === connection) return;
    this.connection = connection;
    for (const watcher of this.watchers) watcher();
  }
}
