// A worker: its host, its devices, and what it trains.

import { Link } from "wouter";
import type { Device, JobSummary, Worker } from "../api/types";
import { Age } from "../jobs/Age";
import { speed } from "../jobs/speed";
import { percent, short, title } from "../ui/format";
import { Panel, ProgressBar, VerdictBadge } from "../ui/parts";
import { memoryOf, nameOf, speedOf, type Use, utilizationOf } from "./devices";

/** The share of a memory from which on a job may not fit into the rest. */
const FULL = 0.9;

export function WorkerCard({ worker, jobs }: { worker: Worker; jobs: ReadonlyMap<string, JobSummary> }) {
  const fast = speedOf(worker, jobs);
  const state = (
    <span className="badge" data-worker={worker.status}>
      {worker.status}
    </span>
  );
  return (
    <Panel title={worker.hostname} actions={state} className="worker">
      <dl className="worker-facts">
        <Fact name="Slots in use" value={`${worker.jobs.length} of ${worker.slots}`} />
        <Fact name="Steps/s" value={fast === null ? "–" : speed(fast)} />
        <Fact name="Last seen" value={<Age time={worker.seen_at} />} />
        <Fact name="Up since" value={<Age time={worker.started_at} />} />
      </dl>
      <ul className="worker-devices" aria-label="Devices">
        {worker.devices.map((device, at) => (
          <DeviceRow key={device.index ?? at} device={device} />
        ))}
      </ul>
      <Jobs ids={worker.jobs} jobs={jobs} />
      <p className="worker-versions muted">
        <span className="mono">{worker.id}</span>, process {worker.pid}
        {Object.entries(worker.versions).map(([name, version]) => (
          <span key={name}>
            {" · "}
            {name} {version}
          </span>
        ))}
      </p>
    </Panel>
  );
}

const Fact = ({ name, value }: { name: string; value: React.ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);

function DeviceRow({ device }: { device: Device }) {
  const name = nameOf(device);
  return (
    <li>
      <h3>{name}</h3>
      <Meter name="Memory" of={name} use={memoryOf(device)} />
      <Meter name="Busy" of={name} use={utilizationOf(device)} />
    </li>
  );
}

function Meter({ name, of, use }: { name: string; of: string; use: Use }) {
  return (
    <div className="use-meter">
      <span aria-hidden="true">{name}</span>
      {use.share === null ? (
        <span className="bar" aria-hidden="true" />
      ) : (
        <span
          className="bar"
          role="meter"
          aria-label={`${name} of ${of}`}
          aria-valuenow={Math.round(100 * use.share)}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuetext={use.text}
        >
          <span
            style={{ width: `${100 * use.share}%` }}
            data-full={(name === "Memory" && use.share > FULL) || undefined}
          />
        </span>
      )}
      <span className="number">
        <span className="sr-only">{name}: </span>
        {use.text}
      </span>
    </div>
  );
}

function Jobs({ ids, jobs }: { ids: readonly string[]; jobs: ReadonlyMap<string, JobSummary> }) {
  if (ids.length === 0) return <p className="worker-idle muted">Trains nothing now.</p>;
  return (
    <ul className="worker-jobs" aria-label="Jobs it trains">
      {ids.map((id) => (
        <li key={id}>
          <TrainedJob id={id} job={jobs.get(id)} />
        </li>
      ))}
    </ul>
  );
}

function TrainedJob({ id, job }: { id: string; job: JobSummary | undefined }) {
  const name = job ? title(job) : short(id);
  return (
    <>
      <Link href={`/jobs/${id}`}>{name}</Link>
      <VerdictBadge verdict={job?.verdict ?? null} severity={job?.severity ?? null} />
      <ProgressBar value={job?.progress ?? 0} label={`Progress of ${name}`} />
      <span className="number muted">
        {job && percent(job.progress)}
        {job?.steps_per_second != null && ` · ${speed(job.steps_per_second)} steps/s`}
      </span>
    </>
  );
}
