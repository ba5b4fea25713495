// What all parts of a job's view share: the job, its stream, the step looked at, and the stretch of it.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { ApiError } from "../api/http";
import { jobQuery, sampleStepsQuery } from "../api/queries";
import { type Connection, JobStream } from "../api/stream";
import type { Job } from "../api/types";
import { withSample } from "../samples/steps";
import { Cursor } from "./cursor";

/** What stays the same while the job goes on. */
export interface Place {
  id: string;
  stream: JobStream;
  cursor: Cursor;
  /** A stretch that the job has gone back from, by its number; null for the line it is on, which is live. */
  segment: number | null;
}

export interface JobShown extends Place {
  job: Job;
}

const Where = createContext<Place | null>(null);
const Shown = createContext<Job | null>(null);

/** Where one is, for what need not be drawn anew with every news of the job. */
export function usePlace(): Place {
  const place = useContext(Where);
  if (place === null) throw new Error("no job is shown here");
  return place;
}

export function useJobShown(): JobShown {
  const place = usePlace();
  const job = useContext(Shown);
  if (job === null) throw new Error("no job is shown here");
  return useMemo(() => ({ ...place, job }), [place, job]);
}

/** A part of the job: drawn anew only when that changes. `select` must be the same function every time. */
export function useJobPart<Part>(select: (job: Job) => Part): Part {
  const { data } = useQuery({ ...jobQuery(usePlace().id), select, enabled: false });
  if (data === undefined) throw new Error("no job is shown here");
  return data;
}

/** Shows `children` of a job, and keeps what they ask for up to date by the job's stream. */
export function JobShownProvider({
  job,
  segment,
  children,
}: {
  job: Job;
  segment: number | null;
  children: ReactNode;
}) {
  const { id } = job;
  const stream = useMemo(() => new JobStream(id), [id]);
  const cursor = useMemo(() => new Cursor(), [id]);
  useEffect(() => () => stream.close(), [stream]);
  useUpToDate(id, stream);
  useAskedAgain(id, stream);
  const place = useMemo(() => ({ id, stream, cursor, segment }), [id, stream, cursor, segment]);
  return (
    <Where.Provider value={place}>
      <Shown.Provider value={job}>{children}</Shown.Provider>
    </Where.Provider>
  );
}

export const useConnection = (stream: JobStream): Connection =>
  useSyncExternalStore(stream.watch, () => stream.connection);

/** Whether the job that is shown was deleted meanwhile: its stream says so, or what asks for it again. */
export function useDeleted(): boolean {
  const { id, stream } = usePlace();
  const { error } = useQuery({ ...jobQuery(id), enabled: false });
  const connection = useConnection(stream);
  return connection === "deleted" || isGone(error);
}

/** Whether what was asked for is no more. */
export const isGone = (error: unknown) => error instanceof ApiError && error.status === 404;
const isRefused = (error: unknown) => error instanceof ApiError && error.status >= 400 && error.status < 500;
/** Milliseconds until what could not be had is asked for again, between two looks at what grows with each report, and
 * between two news of the job while its state is the same. */
const AGAIN_EVERY = 5_000;
const INTERVALS_EVERY = 5_000;
const JOB_EVERY = 1_000;

/** What failed is asked for again: when the stream is back, and every few seconds. */
function useAskedAgain(id: string, stream: JobStream): void {
  const client = useQueryClient();
  const connection = useConnection(stream);
  useEffect(() => {
    const again = () => {
      if (document.hidden) return;
      void client.refetchQueries({
        type: "active",
        predicate: ({ queryKey, state }) =>
          queryKey.includes(id) && state.status === "error" && !isRefused(state.error) && state.fetchStatus === "idle",
      });
    };
    if (connection === "live") again();
    const timer = setInterval(again, AGAIN_EVERY);
    return () => clearInterval(timer);
  }, [client, id, connection]);
}

/** Puts news of the job into what was asked for, or has it asked for again. */
function useUpToDate(id: string, stream: JobStream): void {
  const client = useQueryClient();
  useEffect(() => {
    const again = (...names: string[]) => {
      for (const name of names) void client.invalidateQueries({ queryKey: [name, id] });
    };
    const intervals = everySoOften(() => again("intervals"), INTERVALS_EVERY);
    let news: Partial<Job> = {};
    const told = everySoOften(() => {
      client.setQueryData(jobQuery(id).queryKey, (job) => job && { ...job, ...news });
      news = {};
    }, JOB_EVERY);
    const stops = [
      intervals.stop,
      told.stop,
      stream.on("job", (more) => {
        // A change of its state is told at once; what waits says nothing of it, for it may have changed again.
        const { status, ...rest } = more;
        const held = client.getQueryData(jobQuery(id).queryKey);
        const isChange = status !== undefined && status !== held?.status;
        news = { ...news, ...rest, ...(isChange && { status }) };
        if (isChange) told.now();
        else told.ask();
      }),
      stream.on("event", (event) => {
        again("events");
        if (event.kind.startsWith("checkpoint")) again("checkpoints");
      }),
      stream.on("health", () => again("events", "segments", "intervals", "health")),
      stream.on("report", (report) => {
        client.setQueryData(["health", id, null], report);
        intervals.ask();
      }),
      stream.on("sample", (sample) => {
        const { queryKey } = sampleStepsQuery(id);
        // An answer that is on its way may not have it.
        if (client.isFetching({ queryKey })) return again("sample_steps");
        client.setQueryData(queryKey, (held) => held && withSample(held, sample));
      }),
      stream.on("evaluation", () => again("evaluations")),
      stream.on("rewind", () => again("sample_steps", "evaluations", "intervals", "health", "checkpoints", "segments")),
      stream.on("end", ({ reason }) => {
        if (reason === "deleted") return again("job");
        again("job", "checkpoints", "events", "logs", "health", "intervals");
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [client, id, stream]);
}

/** Does `act` when asked to, but not twice within `wait` milliseconds: then when they are over; `now` does not wait. */
function everySoOften(act: () => void, wait: number) {
  let timer: number | undefined;
  let last = Number.NEGATIVE_INFINITY;
  const now = () => {
    window.clearTimeout(timer);
    timer = undefined;
    last = Date.now();
    act();
  };
  return {
    now,
    ask: () => {
      timer ??= window.setTimeout(now, Math.max(0, last + wait - Date.now()));
    },
    stop: () => window.clearTimeout(timer),
  };
}
