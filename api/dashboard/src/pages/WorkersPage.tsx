// The workers that are up: what they train on, how busy that is, and what they train.

import { queryOptions, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { get, path } from "../api/http";
import { workersQuery } from "../api/queries";
import type { JobSummary, SummaryPage, Worker } from "../api/types";
import { STATES } from "../jobs/filter";
import { Lost } from "../jobs/Lost";
import { speed } from "../jobs/speed";
import { count } from "../ui/format";
import { Empty, Problem } from "../ui/parts";
import { useTitle } from "../ui/useTitle";
import { speedOf } from "../workers/devices";
import { WorkerCard } from "../workers/WorkerCard";
import "../styles/workers.css";

const EVERY = 2_000;

const trainedQuery = queryOptions({
  queryKey: ["summaries", "trained"],
  queryFn: async ({ signal }) =>
    (await get<SummaryPage>(path("/v1/summaries", { status: STATES.running, limit: 1000 }), signal)).data,
  refetchInterval: EVERY,
});

export default function WorkersPage() {
  useTitle("Workers");
  const { data: workers, error, refetch, dataUpdatedAt } = useQuery({ ...workersQuery, refetchInterval: EVERY });
  const { data: trained } = useQuery(trainedQuery);
  const jobs = useMemo(() => new Map(trained?.map((job) => [job.id, job])), [trained]);
  if (!workers) return error ? <Problem error={error} retry={() => void refetch()} /> : <Empty>Loading …</Empty>;
  return (
    <>
      <div className="jobs-top">
        <h1>Workers</h1>
        {workers.length > 0 && <Totals workers={workers} jobs={jobs} />}
      </div>
      <Lost error={error} asOf={dataUpdatedAt} />
      {workers.length === 0 ? (
        <NoWorkers />
      ) : (
        <div className="workers">
          {workers.map((worker) => (
            <WorkerCard key={worker.id} worker={worker} jobs={jobs} />
          ))}
        </div>
      )}
    </>
  );
}

function Totals({ workers, jobs }: { workers: readonly Worker[]; jobs: ReadonlyMap<string, JobSummary> }) {
  const sum = (of: (worker: Worker) => number) => workers.reduce((all, worker) => all + of(worker), 0);
  const [used, slots] = [sum((worker) => worker.jobs.length), sum((worker) => worker.slots)];
  const gpus = sum((worker) => worker.devices.filter((device) => device.kind === "cuda").length);
  const ready = workers.filter((worker) => worker.status === "ready").length;
  return (
    <p className="jobs-overview">
      <span>
        <strong>{count(ready)}</strong> of {count(workers.length)} ready
      </span>
      <span>
        <strong>{count(used)}</strong> of {count(slots)} {slots === 1 ? "slot" : "slots"} in use
      </span>
      <span>
        <strong>{count(gpus)}</strong> {gpus === 1 ? "GPU" : "GPUs"}
      </span>
      <span>
        <strong>{speed(sum((worker) => speedOf(worker, jobs) ?? 0))}</strong> steps/s
      </span>
    </p>
  );
}

const NoWorkers = () => (
  <div className="panel no-jobs">
    <h2>No worker is up</h2>
    <p>Jobs can be submitted all the same: they wait until a worker takes them. What starts one:</p>
    <dl>
      <dt>on this machine, with all else that the service needs</dt>
      <dd>
        <pre>make serve</pre>
      </dd>
      <dt>in containers, with the GPU or without</dt>
      <dd>
        <pre>docker compose up --detach</pre>
      </dd>
      <dt>alone, on a host that reaches the service’s database, queue and data folder</dt>
      <dd>
        <pre>python -m worker</pre>
      </dd>
    </dl>
    <p className="muted">A worker that was started is seen here within seconds.</p>
  </div>
);
