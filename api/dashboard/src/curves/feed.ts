// The rows that a job's stream brings, some of them at a time, and kept for curves that are asked for meanwhile.

import type { JobStream } from "../api/stream";
import type { Number_, StreamedRows } from "../api/types";

/** The least milliseconds between two updates of the picture, and the most while rows come: what is read as a number
 * is never older. */
export const TURN = 500;
export const LONGEST_TURN = 1_000;
const KEPT = 50_000;

interface Listener {
  rows: (rows: StreamedRows) => void;
  /** What was recorded after `step` is no more. */
  rewind: (step: number) => void;
}

/** All rows of some messages in one. */
export function together(messages: readonly StreamedRows[]): StreamedRows {
  const columns: Record<string, Number_[]> = {};
  for (const name of Object.keys(messages[0]?.columns ?? {}))
    columns[name] = messages.flatMap((message) => message.columns[name] ?? message.columns.step.map(() => null));
  return { segment: messages.at(-1)?.segment ?? 0, columns: { step: [], ...columns } as StreamedRows["columns"] };
}

/** The rows of `steps` from `first` to `last`, both included. */
export function between(rows: StreamedRows, first: number, last: number): StreamedRows {
  const steps = rows.columns.step;
  const chosen = steps.map((step) => step >= first && step <= last);
  if (chosen.every(Boolean)) return rows;
  const columns = Object.entries(rows.columns).map(([name, column]) => [name, column.filter((_, row) => chosen[row])]);
  return { ...rows, columns: Object.fromEntries(columns) };
}

export class Feed {
  /** The steps that a point or a pixel of the picture stands for: of fewer nothing would be seen. */
  apart = 1;
  private kept: StreamedRows[] = [];
  private coming: StreamedRows[] = [];
  private timer: number | undefined;
  /** When the rows that are coming are to be told of at the latest, and when the last were. */
  private due = Number.POSITIVE_INFINITY;
  private turned = Number.NEGATIVE_INFINITY;
  private readonly listeners = new Set<Listener>();

  /** Take what `stream` brings, until the answer is called. */
  listen(stream: JobStream): () => void {
    const stops = [
      stream.on("metrics", (rows) => this.take(rows)),
      stream.on("rewind", ({ step }) => this.rewind(step)),
    ];
    return () => {
      for (const stop of stops) stop();
      window.clearTimeout(this.timer);
      this.due = Number.POSITIVE_INFINITY;
    };
  }

  on(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The rows that are kept, in one; null where there are none. */
  get rows(): StreamedRows | null {
    const all = [...this.kept, ...this.coming];
    return all.length ? together(all) : null;
  }

  private take(rows: StreamedRows): void {
    this.coming.push(rows);
    const steps = this.coming.reduce((sum, each) => sum + each.columns.step.length, 0);
    const now = Date.now();
    const wait = steps >= this.apart ? TURN : LONGEST_TURN;
    const due = Math.max(this.turned + wait, now);
    if (due >= this.due) return;
    this.due = due;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.turn(), due - now);
  }

  private turn(): void {
    window.clearTimeout(this.timer);
    this.due = Number.POSITIVE_INFINITY;
    this.turned = Date.now();
    if (!this.coming.length) return;
    const rows = together(this.coming);
    this.coming = [];
    this.kept.push(rows);
    let held = this.kept.reduce((sum, each) => sum + each.columns.step.length, 0);
    while (this.kept.length > 1 && held > KEPT) held -= this.kept.shift()?.columns.step.length ?? 0;
    for (const listener of [...this.listeners]) listener.rows(rows);
  }

  private rewind(step: number): void {
    this.turn();
    this.kept = this.kept.map((rows) => between(rows, 0, step)).filter((rows) => rows.columns.step.length > 0);
    for (const listener of [...this.listeners]) listener.rewind(step);
  }
}
