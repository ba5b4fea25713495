// Which sample is shown: that of the step looked at in the charts, the one the slider was left at, or the newest.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useState } from "react";
import { sampleStepsQuery, sampleUrl } from "../api/queries";
import { useConnection, useJobShown } from "../job/context";
import { useCursor } from "../job/cursor";
import { pictures } from "./pictures";
import { indexAt } from "./steps";

const NONE: number[] = [];

export interface Timeline {
  steps: readonly number[];
  /** -1 where there is none. */
  index: number;
  step: number | null;
  /** Whether the newest is shown, and the next one will be when it comes. */
  following: boolean;
  /** Stay at the sample of an index, here and in the charts; at the last one, follow. */
  go: (index: number) => void;
  follow: () => void;
  url: (step: number) => string;
  width: number;
  height: number;
  loading: boolean;
  error: Error | null;
  retry: () => void;
}

export function useTimeline(): Timeline {
  const { job, segment } = useJobShown();
  const { data, error, refetch, isPending } = useQuery(sampleStepsQuery(job.id, segment));
  useNews(job.id);
  const steps = data?.steps ?? NONE;
  const place = usePlace(steps);
  const url = useCallback((step: number) => sampleUrl(job.id, step, segment), [job.id, segment]);
  const retry = useCallback(() => void refetch(), [refetch]);
  return useMemo(
    () => ({
      ...place,
      steps,
      step: steps[place.index] ?? null,
      url,
      width: data?.width ?? 1,
      height: data?.height ?? 1,
      loading: isPending,
      error: data ? null : error,
      retry,
    }),
    [steps, place, url, data, isPending, error, retry],
  );
}

/** Which of the steps is shown, and what changes that. */
function usePlace(steps: readonly number[]): Pick<Timeline, "index" | "following" | "go" | "follow"> {
  const { cursor, segment } = useJobShown();
  const pointed = useCursor(cursor);
  const [kept, setKept] = useState<number | null>(null);
  const wanted = pointed ?? kept;
  const index = wanted === null ? steps.length - 1 : indexAt(steps, wanted);
  // A chart that is left takes its step back; what the slider was left at comes again.
  useEffect(() => {
    if (pointed === null && kept !== null) cursor.set(kept);
  }, [cursor, pointed, kept]);
  // The steps of another stretch are others.
  useEffect(() => {
    setKept(null);
    cursor.set(null);
  }, [cursor, segment]);

  const follow = useCallback(() => {
    setKept(null);
    cursor.set(null);
  }, [cursor]);
  const go = useCallback(
    (to: number) => {
      const step = steps[Math.max(0, to)];
      if (step === undefined || to === steps.length - 1) return follow();
      setKept(step);
      cursor.set(step);
    },
    [cursor, steps, follow],
  );
  const following = wanted === null;
  return useMemo(() => ({ index, following, go, follow }), [index, following, go, follow]);
}

/** Steps that came while there was no connection are asked for, and so are images that could not be; images of steps gone back from are forgotten. */
function useNews(id: string): void {
  const { stream } = useJobShown();
  const connection = useConnection(stream);
  const client = useQueryClient();
  useEffect(() => {
    if (connection !== "live") return;
    void client.invalidateQueries({ queryKey: ["sample_steps", id] });
    pictures.again();
  }, [client, connection, id]);
  useEffect(() => stream.on("rewind", () => pictures.forget(sampleUrl(id, 0).slice(0, -1))), [stream, id]);
}
