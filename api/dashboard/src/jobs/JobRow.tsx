// A job of the list. On narrow screens the same cells are laid out as a card (styles/jobs.css).

import { memo } from "react";
import { Link } from "wouter";
import { navigate } from "wouter/use-browser-location";
import type { JobSummary, Number_ } from "../api/types";
import { MOST_JOBS } from "../compare/choice";
import { count, duration, number, short, title, words } from "../ui/format";
import { ProgressBar, StatusBadge, VerdictBadge } from "../ui/parts";
import { Age } from "./Age";
import { Curve } from "./Curve";
import { speed } from "./speed";
import { Thumbnail } from "./Thumbnail";

interface Props {
  job: JobSummary;
  /** Of the whole list, from 0. */
  index: number;
  /** Where in the list it begins (px). */
  top: number;
  chosen: boolean;
  /** As many are chosen as can be compared. */
  full: boolean;
  choose: (id: string, on: boolean) => void;
}

// By keyboard the name's link is the way; a pointer may be anywhere on the row.
const open = (id: string) => navigate(`/jobs/${id}`);

/** Drawn again only if something of it has changed: a job that is as it was is the same object (merge.ts). */
export const JobRow = memo(function JobRow({ job, index, top, chosen, full, choose }: Props) {
  const name = title(job);
  return (
    <div
      className="job-row"
      role="row"
      aria-rowindex={index + 2}
      data-chosen={chosen || undefined}
      data-job={job.id}
      onClick={(event) => event.target instanceof Element && !event.target.closest("a, label") && open(job.id)}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell" className="cell-choose">
        <label>
          <input
            type="checkbox"
            aria-label={`Compare ${name}`}
            title={full && !chosen ? `At most ${MOST_JOBS} jobs can be compared` : undefined}
            checked={chosen}
            disabled={full && !chosen}
            onChange={(event) => choose(job.id, event.target.checked)}
          />
        </label>
      </span>
      <span role="cell" className="cell-sample">
        <Thumbnail job={job.id} name={name} newest={job.newest_sample} />
      </span>
      <span role="cell" className="cell-name">
        <Name job={job} name={name} />
      </span>
      <span role="cell" className="cell-state">
        <StatusBadge status={job.status} />
        <Reason job={job} />
      </span>
      <span role="cell" className="cell-verdict">
        <VerdictBadge verdict={job.verdict} severity={job.severity} />
      </span>
      <span role="cell" className="cell-progress">
        <Progress job={job} name={name} />
      </span>
      <span role="cell" className="cell-curve">
        <Curve job={job} />
      </span>
      <span role="cell" className="cell-losses">
        <Loss of="discriminator" mark="D" value={job.d_loss} />
        <Loss of="generator" mark="G" value={job.g_loss} />
      </span>
      <span role="cell" className="cell-age">
        <Age time={job.created_at} />
      </span>
    </div>
  );
});

/** Why a job is in its state, unless that goes without saying: a worker has it, or every step was trained. */
function Reason({ job }: { job: JobSummary }) {
  const plain = job.status === "running" || (job.status === "succeeded" && job.step === job.steps);
  if (plain || job.status_reason === null) return null;
  return (
    <small className="clipped" title={job.status_reason}>
      {job.status_reason}
    </small>
  );
}

function Name({ job, name }: { job: JobSummary; name: string }) {
  const metadata = Object.entries(job.metadata);
  return (
    <>
      <Link href={`/jobs/${job.id}`} className="clipped" title={name}>
        {name}
      </Link>
      <small className="clipped">
        {job.name !== null && <span className="mono">{short(job.id).slice(4)} </span>}
        {words(job.dataset)} · {words(job.loss)}
        {job.origin && ` · ${job.origin.kind} of ${short(job.origin.job_id)}`}
        {job.rollbacks > 0 && ` · ${count(job.rollbacks)} ${job.rollbacks === 1 ? "rollback" : "rollbacks"}`}
      </small>
      {metadata.length > 0 && (
        <small className="job-tags" title={metadata.map((pair) => pair.join("=")).join("\n")}>
          {metadata.map(([key, value]) => (
            <span key={key}>
              {key}={value}
            </span>
          ))}
        </small>
      )}
    </>
  );
}

function Progress({ job, name }: { job: JobSummary; name: string }) {
  const trains = job.status === "running";
  const left = trains && job.estimated_seconds_left !== null ? `${duration(job.estimated_seconds_left)} left` : "";
  return (
    <>
      <ProgressBar value={job.progress} label={`Progress of ${name}`} />
      <small className="clipped">
        {count(job.step)} / {count(job.steps)}
      </small>
      <small className="clipped muted">
        {trains && job.steps_per_second !== null && `${speed(job.steps_per_second)} steps/s`}
        {left && ` · ${left}`}
      </small>
    </>
  );
}

const Loss = ({ of, mark, value }: { of: string; mark: string; value: Number_ }) => (
  <span className="loss-now" data-of={of} data-bad={typeof value === "string" || undefined}>
    <abbr title={`Loss of the ${of}`}>{mark}</abbr> {number(value)}
  </span>
);
