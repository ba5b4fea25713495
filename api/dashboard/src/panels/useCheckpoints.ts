// A job's checkpoints, kept up to date: its stream does not tell of each.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { checkpointsQuery } from "../api/queries";
import type { Job } from "../api/types";

const EVERY = 10_000;

export function useCheckpoints(job: Job) {
  const client = useQueryClient();
  const before = useRef(job.status);
  // One is made before a job is paused, and at its end.
  useEffect(() => {
    if (before.current !== job.status) void client.invalidateQueries({ queryKey: checkpointsQuery(job.id).queryKey });
    before.current = job.status;
  }, [client, job.id, job.status]);
  return useQuery({ ...checkpointsQuery(job.id), refetchInterval: job.status === "running" ? EVERY : false });
}
