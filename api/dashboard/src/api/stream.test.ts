import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { JobStream } from "./stream";

/** A source that does what a test tells it to. */
class Source {
  static readonly CLOSED = 2;
  static made: Source[] = [];
  readyState = 1;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  private readonly listeners = new Map<string, (message: object) => void>();
  readonly url: string;

  constructor(url: string) {
    this.url = url;
    Source.made.push(this);
  }
  addEventListener(kind: string, listener: (message: object) => void) {
    this.listeners.set(kind, listener);
  }
  close() {
    this.readyState = Source.CLOSED;
  }
  send(kind: string, data: unknown, lastEventId: string) {
    this.listeners.get(kind)?.({ data: JSON.stringify(data), lastEventId });
  }
}

const page = Object.assign(new EventTarget(), { hidden: false });
const show = (seen: boolean) => {
  page.hidden = !seen;
  page.dispatchEvent(new Event("visibilitychange"));
};
const opened = () => Source.made.filter(({ readyState }) => readyState !== Source.CLOSED);
const answer = vi.fn<(url: string) => Promise<Response>>();

const streams: JobStream[] = [];
function streamOf(job: string) {
  const stream = new JobStream(job);
  streams.push(stream);
  return stream;
}
function started() {
  const stream = streamOf("job_1");
  stream.start(["d_loss"], 7);
  Source.made[0]?.onopen?.();
  return stream;
}

beforeEach(() => {
  vi.useFakeTimers();
  Source.made = [];
  page.hidden = false;
  for (const [name, value] of Object.entries({
    window: globalThis,
    document: page,
    EventSource: Source,
    fetch: answer,
  }))
    vi.stubGlobal(name, value);
});
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("a hidden page holds no connection, and goes on from where it was when it is shown again", () => {
  const stream = started();
  Source.made[0]?.send("metrics", { segment: 0, columns: { step: [7] } }, "at-7");
  show(false);
  vi.advanceTimersByTime(4_000);
  expect(opened()).toHaveLength(1); // a look at another tab
  vi.advanceTimersByTime(2_000);
  expect([opened().length, stream.connection]).toEqual([0, "paused"]);
  vi.advanceTimersByTime(600_000);
  expect(Source.made).toHaveLength(1);
  show(true);
  expect(opened().map(({ url }) => url)).toEqual([expect.stringMatching(/from_step=7&last_event_id=at-7$/)]);
  opened()[0]?.onopen?.();
  expect(stream.connection).toBe("live");
});

test("a short look at another tab changes nothing, and a page opened in the background waits", () => {
  started();
  show(false);
  vi.advanceTimersByTime(1_000);
  show(true);
  vi.advanceTimersByTime(60_000);
  expect([Source.made.length, opened().length]).toEqual([1, 1]);
  page.hidden = true;
  const stream = streamOf("job_2");
  stream.start(["d_loss"], 1);
  expect([Source.made.length, stream.connection]).toEqual([1, "paused"]);
  show(true);
  expect(Source.made).toHaveLength(2);
});

test("nothing is opened for a page that was left, or a job that has ended", () => {
  const stream = started();
  Source.made[0]?.send("end", { reason: "finished", status: "succeeded" }, "");
  expect([stream.connection, opened().length]).toEqual(["ended", 0]);
  show(false);
  vi.advanceTimersByTime(60_000);
  show(true);
  stream.close();
  show(false);
  show(true);
  expect(Source.made).toHaveLength(1);
});

test("after an error it is tried again, unless the job is no more", async () => {
  const stream = started();
  const ends: string[] = [];
  stream.on("end", ({ reason }) => ends.push(reason));
  const fail = () => {
    opened().forEach((source) => source.close());
    Source.made.at(-1)?.onerror?.();
  };
  answer.mockResolvedValueOnce(new Response("away", { status: 503 }));
  fail();
  await vi.advanceTimersByTimeAsync(1_000);
  expect([Source.made.length, stream.connection]).toEqual([2, "lost"]);
  answer.mockResolvedValueOnce(new Response('{"detail": "there is no such job"}', { status: 404 }));
  fail();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([Source.made.length, stream.connection, ends]).toEqual([2, "deleted", ["deleted"]]);
});
