// A job's checkpoints: its stream does not tell of each.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { checkpointsQuery } from "../api/queries";
import type { Job } from "../api/types";

const EVERY = 10_000;

/** Those that there are; asked for again while they are `listed`, else only until there is one to go on from. */
export function useCheckpoints(job: Job, listed = false) {
  const client = useQueryClient();
  const before = useRef(job.status);
  // One is made before a job is paused, and at its end.
  useEffect(() => {
    if (before.current !== job.status) void client.invalidateQueries({ queryKey: checkpointsQuery(job.id).queryKey });
    before.current = job.status;
  }, [client, job.id, job.status]);
  return useQuery({
    ...checkpointsQuery(job.id),
    refetchInterval: ({ state }) => (job.status === "running" && (listed || !state.data?.length) ? EVERY : false),
  });
}
