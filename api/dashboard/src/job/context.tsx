// What all parts of a job's view share: the job, its stream, the step looked at, and the stretch of it.

import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { jobQuery, sampleStepsQuery } from "../api/queries";
import { type Connection, JobStream } from "../api/stream";
import type { Job } from "../api/types";
import { withSample } from "../samples/steps";
import { Cursor } from "./cursor";

export interface JobShown {
  job: Job;
  stream: JobStream;
  cursor: Cursor;
  /** A stretch that the job has gone back from, by its number; null for the line it is on, which is live. */
  segment: number | null;
}

const Shown = createContext<JobShown | null>(null);

export function useJobShown(): JobShown {
  const shown = useContext(Shown);
  if (shown === null) throw new Error("no job is shown here");
  return shown;
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
  const stream = useMemo(() => new JobStream(job.id), [job.id]);
  const cursor = useMemo(() => new Cursor(), [job.id]);
  useEffect(() => () => stream.close(), [stream]);
  useUpToDate(job.id, stream);
  const shown = useMemo(() => ({ job, stream, cursor, segment }), [job, stream, cursor, segment]);
  return <Shown.Provider value={shown}>{children}</Shown.Provider>;
}

export const useConnection = (stream: JobStream): Connection =>
  useSyncExternalStore(stream.watch, () => stream.connection);

/** Puts news of the job into what was asked for, or has it asked for again. */
function useUpToDate(id: string, stream: JobStream): void {
  const client = useQueryClient();
  useEffect(() => {
    const again = (...names: string[]) => {
      for (const name of names) void client.invalidateQueries({ queryKey: [name, id] });
    };
    const stops = [
      stream.on("job", (news) => client.setQueryData(jobQuery(id).queryKey, (job) => job && { ...job, ...news })),
      stream.on("event", (event) => {
        again("events");
        if (event.kind.startsWith("checkpoint")) again("checkpoints");
      }),
      stream.on("health", () => again("events", "segments", "intervals", "health")),
      stream.on("report", (report) => {
        client.setQueryData(["health", id, null], report);
        again("intervals");
      }),
      stream.on("sample", (sample) => {
        const { queryKey } = sampleStepsQuery(id);
        // An answer that is on its way may not have it.
        if (client.isFetching({ queryKey })) return again("sample_steps");
        client.setQueryData(queryKey, (held) => held && withSample(held, sample));
      }),
      stream.on("evaluation", () => again("evaluations")),
      stream.on("rewind", () => again("sample_steps", "evaluations", "intervals", "health", "checkpoints", "segments")),
      stream.on("end", () => again("job", "checkpoints", "events", "logs", "health", "intervals")),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [client, id, stream]);
}
