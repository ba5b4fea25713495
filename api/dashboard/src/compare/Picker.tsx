// Choosing the jobs of a comparison from all that there are.

import { useDeferredValue, useId, useState } from "react";
import type { JobSummary } from "../api/types";
import { feed } from "../jobs/feed";
import { ALL, filtered } from "../jobs/filter";
import { newestFirst } from "../jobs/merge";
import { useFeed } from "../jobs/useFeed";
import { count, title, words } from "../ui/format";
import { Dialog, Empty, StatusBadge, VerdictBadge } from "../ui/parts";
import { MOST_JOBS } from "./choice";

/** A longer list is not read, but searched. */
const MOST_SHOWN = 60;

interface Props {
  chosen: readonly string[];
  choose: (jobs: readonly string[]) => void;
  close: () => void;
}

export function Picker({ chosen, choose, close }: Props) {
  const { jobs, loaded, hasMore, loadingOlder } = useFeed();
  const [text, setText] = useState("");
  const asked = useDeferredValue(text);
  const found = filtered(jobs.values(), { ...ALL, text: asked }).sort(newestFirst);
  const full = chosen.length >= MOST_JOBS;
  const change = (id: string, on: boolean) => choose(on ? [...chosen, id] : chosen.filter((each) => each !== id));
  return (
    <Dialog title="Choose jobs" close={close}>
      <div className="compare-picker">
        <Search text={text} setText={setText} />
        <p className="muted" role="status">
          {count(chosen.length)} of at most {MOST_JOBS} chosen; {count(found.length)}{" "}
          {found.length === 1 ? "job" : "jobs"}
          {found.length > MOST_SHOWN && `, of which the newest ${MOST_SHOWN} are shown`}
        </p>
        <ul>
          {found.slice(0, MOST_SHOWN).map((job) => (
            <Offer key={job.id} job={job} on={chosen.includes(job.id)} full={full} change={change} />
          ))}
        </ul>
        {found.length === 0 && <Empty>{loaded ? "No job fits." : "Loading …"}</Empty>}
        {hasMore && (
          <button type="button" disabled={loadingOlder} onClick={() => void feed.older()}>
            {loadingOlder ? "Loading …" : "Search older jobs, too"}
          </button>
        )}
      </div>
    </Dialog>
  );
}

function Search({ text, setText }: { text: string; setText: (text: string) => void }) {
  const field = useId();
  return (
    <>
      <label htmlFor={field} className="sr-only">
        Search by name, id, data set, loss or metadata
      </label>
      <input
        id={field}
        type="search"
        autoFocus
        placeholder="Search by name, id, data set, loss or metadata"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </>
  );
}

interface OfferProps {
  job: JobSummary;
  on: boolean;
  /** As many are chosen as can be compared. */
  full: boolean;
  change: (id: string, on: boolean) => void;
}

const Offer = ({ job, on, full, change }: OfferProps) => (
  <li>
    <label>
      <input
        type="checkbox"
        checked={on}
        disabled={full && !on}
        onChange={(event) => change(job.id, event.target.checked)}
      />
      <span className="compare-name">
        {title(job)} <small className="muted">{`${words(job.dataset)}, ${words(job.loss)}`}</small>
      </span>
      <VerdictBadge verdict={job.verdict} severity={job.severity} />
      <StatusBadge status={job.status} />
    </label>
  </li>
);
