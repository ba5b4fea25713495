import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { JobStream, Kind } from "../api/stream";
import type { Number_, StreamedRows } from "../api/types";
import { between, Feed, LONGEST_TURN, TURN, together } from "./feed";

const rows = (...steps: number[]): StreamedRows => ({
  segment: 0,
  columns: { step: steps, d_loss: steps.map((step): Number_ => 10 * step) },
});

/** What a stream does, without a connection. */
function streamOf() {
  const listeners = new Map<Kind, (data: never) => void>();
  const on = (kind: Kind, listener: (data: never) => void) => {
    listeners.set(kind, listener);
    return () => listeners.delete(kind);
  };
  return {
    stream: { on } as unknown as JobStream,
    send: (kind: Kind, data: unknown) => listeners.get(kind)?.(data as never),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("window", globalThis);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("rows of many messages come in one turn, and are kept", () => {
  const { stream, send } = streamOf();
  const feed = new Feed();
  const taken: number[][] = [];
  feed.listen(stream);
  feed.on({ rows: ({ columns }) => taken.push(columns.step), rewind: () => taken.push([]) });
  send("metrics", rows(1, 2));
  send("metrics", rows(3));
  expect(taken).toEqual([]);
  expect(feed.rows?.columns.step).toEqual([1, 2, 3]); // for a curve that comes before its turn
  vi.advanceTimersByTime(TURN);
  expect(taken).toEqual([[1, 2, 3]]);
  send("metrics", rows(4));
  vi.advanceTimersByTime(TURN);
  expect(feed.rows?.columns).toEqual({ step: [1, 2, 3, 4], d_loss: [10, 20, 30, 40] });
});

test("a rewind takes away what came before it, and what comes again is kept", () => {
  const { stream, send } = streamOf();
  const feed = new Feed();
  const told: (string | number)[] = [];
  feed.listen(stream);
  feed.on({ rows: ({ columns }) => told.push(columns.step.join()), rewind: (step) => told.push(step) });
  send("metrics", rows(1, 2, 3));
  send("rewind", { step: 1 });
  send("metrics", rows(2));
  vi.advanceTimersByTime(TURN);
  expect(told).toEqual(["1,2,3", 1, "2"]);
  expect(feed.rows?.columns.step).toEqual([1, 2]);
});

test("nothing comes after the end of listening", () => {
  const { stream, send } = streamOf();
  const feed = new Feed();
  const rowsCame = vi.fn();
  const stop = feed.listen(stream);
  feed.on({ rows: rowsCame, rewind: rowsCame });
  send("metrics", rows(1));
  stop();
  vi.advanceTimersByTime(2 * TURN);
  expect(rowsCame).not.toHaveBeenCalled();
});

test("rows of several messages together, and those of a range", () => {
  expect(together([rows(1), rows(2, 3)]).columns.d_loss).toEqual([10, 20, 30]);
  const some = rows(4, 5, 6, 7);
  expect(between(some, 5, 6).columns).toEqual({ step: [5, 6], d_loss: [50, 60] });
  expect(between(some, 4, 7)).toBe(some);
});

test("rows that nothing would be seen of wait, but not for long", () => {
  const { stream, send } = streamOf();
  const feed = new Feed();
  const taken: number[][] = [];
  feed.listen(stream);
  feed.on({ rows: ({ columns }) => taken.push(columns.step), rewind: () => taken.push([]) });
  feed.apart = 3;
  send("metrics", rows(1));
  vi.advanceTimersByTime(TURN);
  expect(taken).toEqual([[1]]); // the first are waited for
  send("metrics", rows(2));
  vi.advanceTimersByTime(LONGEST_TURN - TURN - 1);
  expect(taken).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(taken).toEqual([[1], [2]]);
  send("metrics", rows(3));
  send("metrics", rows(4, 5));
  vi.advanceTimersByTime(TURN);
  expect(taken.at(-1)).toEqual([3, 4, 5]);
});
