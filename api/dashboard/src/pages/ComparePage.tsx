// Up to eight jobs beside each other: their curves, what differs in their specs, and what they draw.

import { useQueries } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { jobQuery } from "../api/queries";
import { FINAL, type Job } from "../api/types";
import { type Choice, choiceOf, chosen, MOST_JOBS } from "../compare/choice";
import { Curves } from "../compare/Curves";
import { Picker } from "../compare/Picker";
import { Samples } from "../compare/Samples";
import { Swatch } from "../compare/styles";
import { Table } from "../compare/Table";
import { type View, viewOf, written } from "../curves/range";
import { Cursor } from "../job/cursor";
import "../styles/samples.css";
import "../styles/compare.css";
import { short, title } from "../ui/format";
import { Empty, Problem, StatusBadge } from "../ui/parts";
import { useTitle } from "../ui/useTitle";

const EVERY = 4_000;

export default function ComparePage() {
  useTitle("Compare");
  const [query, choice, choose] = useChoice();
  const [picking, setPicking] = useState(false);
  const { held, coming } = useJobs(choice.jobs);
  const cursor = useMemo(() => new Cursor(), []);
  const there = useMemo(() => held.flatMap((job, at) => (job ? [{ job, at }] : [])), [held]);
  // All at once, so that nothing moves; one that is chosen later comes when it has been answered.
  const begun = useRef(false);
  begun.current ||= !coming;
  const jobs = useMemo(() => there.map(({ job }) => job), [there]);
  const places = useMemo(() => there.map(({ at }) => at), [there]);
  const pick = (
    <button type="button" className={choice.jobs.length ? "" : "primary"} onClick={() => setPicking(true)}>
      Choose jobs
    </button>
  );
  return (
    <>
      <div className="compare-head">
        <h1>Compare</h1>
        {choice.jobs.length > 0 && pick}
      </div>
      {choice.jobs.length === 0 && (
        <Empty>
          Choose up to {MOST_JOBS} jobs to see their curves, specs and samples beside each other.
          <span className="compare-begin">{pick}</span>
        </Empty>
      )}
      <Chosen choice={choice} choose={choose} />
      {begun.current && jobs.length > 0 && (
        <>
          <Curves {...{ jobs, places, choice, choose, cursor }} view={viewOf(query)} />
          <Samples jobs={jobs} places={places} along={choice.along} cursor={cursor} />
          <Table jobs={jobs} places={places} />
        </>
      )}
      {picking && (
        <Picker chosen={choice.jobs} choose={(next) => choose({ jobs: next })} close={() => setPicking(false)} />
      )}
    </>
  );
}

type Choose = (part: Partial<Choice>, view?: View) => void;

/** The choice that the address makes, and what changes it. */
function useChoice(): [URLSearchParams, Choice, Choose] {
  const search = useSearch();
  const [, go] = useLocation();
  const query = useMemo(() => new URLSearchParams(search), [search]);
  const choice = useMemo(() => choiceOf(query), [query]);
  const choose: Choose = (part, view) => {
    const next = chosen(query, { ...choice, ...part });
    const all = (view ? written(next, view) : next).toString().replaceAll("%2C", ",");
    // Zooming would fill the browser's history.
    go(all ? `/compare?${all}` : "/compare", { replace: true });
  };
  return [query, choice, choose];
}

const queryOf = (id: string) => ({
  ...jobQuery(id),
  // One that is not there is not asked for again.
  refetchInterval: ({ state }: { state: { data?: Job } }) =>
    state.data && !FINAL.includes(state.data.status) ? EVERY : (false as const),
});

interface Jobs {
  held: (Job | undefined)[];
  /** Whether any has not been answered yet. */
  coming: boolean;
}

const together = (answers: readonly { data: Job | undefined; isPending: boolean }[]): Jobs => ({
  held: answers.map(({ data }) => data),
  coming: answers.some(({ isPending }) => isPending),
});

const useJobs = (ids: readonly string[]): Jobs => useQueries({ queries: ids.map(queryOf), combine: together });

/** The jobs of the comparison, each with what takes it out. */
function Chosen({ choice: { jobs }, choose }: { choice: Choice; choose: Choose }) {
  const answers = useQueries({ queries: jobs.map(queryOf) });
  if (jobs.length === 0) return null;
  return (
    <ul className="compare-chosen" aria-label="Compared jobs">
      {jobs.map((id, at) => {
        const { data, error, refetch } = answers[at] ?? {};
        const name = data ? title(data) : short(id);
        return (
          <li key={id}>
            <Swatch index={at} />
            <Link href={`/jobs/${id}`} className="compare-name" title={name}>
              {name}
            </Link>
            {data && <StatusBadge status={data.status} />}
            {error && !data && <Problem error={error} retry={refetch && (() => void refetch())} />}
            <button
              type="button"
              className="quiet"
              aria-label={`Take ${name} out of the comparison`}
              onClick={() => choose({ jobs: jobs.filter((each) => each !== id) })}
            >
              ✕
            </button>
          </li>
        );
      })}
    </ul>
  );
}
