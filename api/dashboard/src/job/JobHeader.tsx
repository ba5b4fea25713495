// What a job is, where it stands, and what can be done to it.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { healthQuery, jobQuery, segmentsQuery } from "../api/queries";
import type { Connection } from "../api/stream";
import { FINAL, type Job, type Origin, type Segment } from "../api/types";
import { Copy } from "../ui/Copy";
import { age, clock, count, duration, number, percent, short, title, words } from "../ui/format";
import { ProgressBar, StatusBadge, VerdictBadge } from "../ui/parts";
import { Actions } from "./Actions";
import { useConnection, isGone, useDeleted, useJobShown } from "./context";

export function JobHeader({
  segment,
  setSegment,
}: {
  segment: number | null;
  setSegment: (segment: number | null) => void;
}) {
  const { job } = useJobShown();
  const deleted = useDeleted();
  return (
    <header className="job-head">
      <div className="job-title">
        <div className="job-name">
          <h1>{title(job)}</h1>
          <StatusBadge status={job.status} />
          {!deleted && <ConnectionWord />}
        </div>
        {!deleted && <Actions job={job} />}
      </div>
      {deleted && (
        <p className="problem" role="alert">
          This job was deleted: what is shown is what was known of it.
        </p>
      )}
      <p className="job-id muted">
        <code>{job.id}</code>
        <Copy text={job.id} what="the job's id" />
        {job.status_reason && <span>{job.status_reason}</span>}
      </p>
      {job.error && <Failure job={job} />}
      <Progress job={job} />
      <Verdict job={job} segment={segment} />
      <div className="job-line">
        <Facts job={job} />
        <Labels job={job} />
        {job.rollbacks > 0 && <SegmentSelect job={job} segment={segment} setSegment={setSegment} />}
      </div>
    </header>
  );
}

const CONNECTION_WORDS: Partial<Record<Connection, string>> = {
  connecting: "connecting …",
  live: "live",
  lost: "connection lost; trying again",
  paused: "paused while hidden",
};

/** Whether what is shown is what is. Of a job that has ended its state says all. The charts tell it aloud. */
function ConnectionWord() {
  const { job, stream } = useJobShown();
  const connection = useConnection(stream);
  if (connection === "ended" || FINAL.includes(job.status)) return null;
  return (
    <span className="connection" data-connection={connection} data-testid="connection">
      {CONNECTION_WORDS[connection]}
    </span>
  );
}

function Failure({ job }: { job: Job }) {
  if (!job.error) return null;
  return (
    <div className="problem" role="alert">
      <p>
        <strong>
          Failed{job.error.step !== null && ` at step ${count(job.error.step)}`}: {words(job.error.kind)}
        </strong>
      </p>
      <p className="wrap">{job.error.message}</p>
    </div>
  );
}

function Progress({ job }: { job: Job }) {
  // What happens to the jobs before it in the queue is no news of this one; and one that has ended has no stream.
  const every = job.status === "queued" ? 5_000 : FINAL.includes(job.status) ? 10_000 : false;
  useQuery({ ...jobQuery(job.id), refetchInterval: ({ state }) => (isGone(state.error) ? false : every) });
  return (
    <div className="job-progress">
      <ProgressBar value={job.progress} label="Progress" />
      <p className="figures">
        <span>
          step <strong>{count(job.step)}</strong> of {count(job.steps)} ({percent(job.progress)})
        </span>
        {job.status === "queued" && job.queue_position !== null && (
          <span>
            {job.queue_position === 1 ? "next in the queue" : `number ${count(job.queue_position)} in the queue`}
          </span>
        )}
        {job.steps_per_second !== null && <span>{number(job.steps_per_second, 3)} steps/s</span>}
        {job.estimated_seconds_left !== null && <span>{duration(job.estimated_seconds_left)} left</span>}
      </p>
    </div>
  );
}

function Verdict({ job, segment }: { job: Job; segment: number | null }) {
  const { data: health } = useQuery(healthQuery(job.id, segment));
  const verdict = segment === null ? job.verdict : (health?.verdict ?? null);
  const severity = segment === null ? job.severity : (health?.severity ?? null);
  return (
    <p className="job-verdict" title={health?.sentence}>
      {verdict && <VerdictBadge verdict={verdict} severity={severity} />}{" "}
      <span className="one-line">{health?.sentence}</span>
    </p>
  );
}

function Facts({ job }: { job: Job }) {
  const facts: [string, React.ReactNode][] = [
    ["Created", <time title={clock(job.created_at)}>{age(job.created_at)}</time>],
    ["Trained for", duration(job.training_seconds)],
    ["Worker", job.worker_id ? <code title={job.worker_id}>{job.worker_id}</code> : "–"],
  ];
  if (job.origin)
    facts.unshift([job.origin.kind === "fork" ? "Forked from" : "Retry of", <From origin={job.origin} />]);
  // A job that no worker has taken yet has had none.
  if (job.attempt) facts.push(["Attempt", job.attempt]);
  if (job.priority) facts.push(["Priority", job.priority]);
  if (job.rollbacks) facts.push(["Rollbacks", job.rollbacks]);
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function From({ origin }: { origin: Origin }) {
  // The old job may have been deleted since.
  const { data: parent } = useQuery({ ...jobQuery(origin.job_id), retry: false });
  return (
    <>
      {parent ? (
        <Link href={`/jobs/${origin.job_id}`}>{title(parent)}</Link>
      ) : (
        <code title={origin.job_id}>{short(origin.job_id)}</code>
      )}
      {origin.step !== null && ` at step ${count(origin.step)}`}
    </>
  );
}

function Labels({ job }: { job: Job }) {
  const labels = Object.entries(job.metadata);
  if (!labels.length) return null;
  return (
    <ul className="chips" aria-label="Metadata">
      {labels.map(([name, value]) => (
        <li key={name}>
          <span className="muted">{name}</span> {value}
        </li>
      ))}
    </ul>
  );
}

function SegmentSelect({
  job,
  segment,
  setSegment,
}: {
  job: Job;
  segment: number | null;
  setSegment: (segment: number | null) => void;
}) {
  const { data: segments } = useQuery(segmentsQuery(job.id));
  return (
    <label className="segment-select">
      <span className="muted">Shown</span>
      <select
        value={segment ?? ""}
        onChange={(event) => setSegment(event.target.value === "" ? null : Number(event.target.value))}
      >
        <option value="">the job's line</option>
        {segments?.map((each) => (
          <option key={each.number} value={each.number}>
            {described(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

const described = (segment: Segment): string =>
  `gone back from: steps ${count(segment.after_step + 1)}–${count(segment.last_step)}, ${words(segment.verdict)}; ` +
  `then ${segment.remedy_text}`;
