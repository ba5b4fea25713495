// All jobs, live: filtered, ordered, and chosen from to be compared.

import { useCallback, useEffect, useMemo, useState } from "react";
import { Link, useSearch } from "wouter";
import { navigate } from "wouter/use-browser-location";
import { feed } from "../jobs/feed";
import { addressOf, ALL, countsOf, type Filter, filterOf, narrows } from "../jobs/filter";
import { Filters, Ordering } from "../jobs/Filters";
import { JobList } from "../jobs/JobList";
import { Lost } from "../jobs/Lost";
import type { Jobs } from "../jobs/merge";
import { NoJobs } from "../jobs/NoJobs";
import { Overview } from "../jobs/Overview";
import { SelectionBar } from "../jobs/SelectionBar";
import { useFeed } from "../jobs/useFeed";
import { useShown } from "../jobs/useShown";
import { Empty, Problem } from "../ui/parts";
import { useTitle } from "../ui/useTitle";

const change = (filter: Filter, replace = false) => navigate(addressOf(filter), { replace });
// Older jobs come as one scrolls down to them, unless a filter leaves few: then they would all be asked for at once.
const older = () => void feed.older();
const nothing = () => {};

export function JobsPage() {
  useTitle("Jobs");
  const search = useSearch();
  const filter = useMemo(() => filterOf(search), [search]);
  const known = useFeed();
  const { jobs, hasMore } = known;
  const counts = useMemo(() => countsOf(jobs.values(), filter), [jobs, filter]);
  const shown = useShown(jobs, filter);
  const [chosen, choose, clear] = useChosen(jobs);
  if (!known.loaded)
    return known.error ? <Problem error={known.error} retry={feed.atOnce} /> : <Empty>Loading …</Empty>;
  return (
    <>
      <div className="jobs-top">
        <h1>Jobs</h1>
        <Overview jobs={jobs} more={hasMore} />
        {jobs.size > 0 && <Ordering filter={filter} change={change} />}
      </div>
      <Lost error={known.error} asOf={known.asOf} />
      {jobs.size === 0 ? (
        <NoJobs />
      ) : (
        <>
          <Filters filter={filter} counts={counts} change={change} />
          <JobList {...{ jobs, shown, chosen, choose }} nearEnd={narrows(filter) ? nothing : older} />
          {shown.pending > 0 && (
            <button type="button" className="rows-pending" onClick={shown.settle}>
              {shown.pending === 1 ? "1 row has changed" : `${shown.pending} rows have changed`} · show
            </button>
          )}
          {shown.ids.length === 0 && <NoMatch filter={filter} />}
          {hasMore && <Older loading={known.loadingOlder} known={jobs.size} />}
        </>
      )}
      <SelectionBar chosen={chosen} clear={clear} />
    </>
  );
}

const NoMatch = ({ filter }: { filter: Filter }) => (
  <Empty>
    No job is like that. <Link href={addressOf({ ...ALL, order: filter.order })}>Show all</Link>
  </Empty>
);

const Older = ({ loading, known }: { loading: boolean; known: number }) => (
  <p className="older-jobs">
    The newest {known} jobs are here.{" "}
    <button type="button" disabled={loading} onClick={older}>
      {loading ? "Loading older jobs …" : "Load older jobs"}
    </button>
  </p>
);

// Kept for who comes back from comparing.
let remembered: ReadonlySet<string> = new Set();

function useChosen(jobs: Jobs) {
  const [asked, setAsked] = useState(remembered);
  useEffect(() => {
    remembered = asked;
  }, [asked]);
  const choose = useCallback((id: string, on: boolean) => {
    setAsked((before) => new Set(on ? [...before, id] : [...before].filter((each) => each !== id)));
  }, []);
  const clear = useCallback(() => setAsked(new Set()), []);
  // Without those deleted since.
  const chosen = useMemo(() => new Set([...asked].filter((id) => jobs.has(id))), [asked, jobs]);
  return [chosen, choose, clear] as const;
}
