// How things stand, in a line: what trains, what waits, what is in alarm, and who is there to train.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "wouter";
import { workersQuery } from "../api/queries";
import { count } from "../ui/format";
import { stateOf } from "./filter";
import type { Jobs } from "./merge";

export function Overview({ jobs, more }: { jobs: Jobs; more: boolean }) {
  const { data: workers } = useQuery(workersQuery);
  const { running, waiting, alarms } = useMemo(() => totals(jobs), [jobs]);
  const ready = workers?.filter((worker) => worker.status === "ready").length;
  const nobody = ready === 0;
  return (
    <p className="jobs-overview">
      <Fact value={running} name="running" tone={running ? "info" : undefined} />
      <Fact value={waiting} name="waiting" tone={waiting && nobody ? "caution" : undefined} />
      <Fact value={alarms} name="unfinished in alarm" tone={alarms ? "alarm" : undefined} />
      <span>
        {count(jobs.size)}
        {more && "+"} {jobs.size === 1 ? "job" : "jobs"}
      </span>
      <Link href="/workers" data-tone={nobody ? "caution" : undefined}>
        {workers === undefined
          ? "workers"
          : nobody
            ? "no worker is ready"
            : `${count(ready ?? 0)} of ${count(workers.length)} ${workers.length === 1 ? "worker" : "workers"} ready`}
      </Link>
    </p>
  );
}

function totals(jobs: Jobs) {
  let [running, waiting, alarms] = [0, 0, 0];
  for (const job of jobs.values()) {
    const state = stateOf(job);
    if (state === "running") running++;
    if (state === "queued") waiting++;
    if (job.finished_at === null && job.severity === "alarm") alarms++;
  }
  return { running, waiting, alarms };
}

const Fact = ({ value, name, tone }: { value: number; name: string; tone?: string | undefined }) => (
  <span data-tone={tone}>
    <strong>{count(value)}</strong> {name}
  </span>
);
