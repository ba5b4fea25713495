// A chart for each chosen metric, with all compared jobs in it.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { catalogueQuery, curvesQuery } from "../api/queries";
import { FINAL, type Catalogue, type Job, type MetricBuckets } from "../api/types";
import { useSettings } from "../charts/settings";
import { Watched } from "../charts/shared";
import { useColours } from "../charts/theme";
import { ALL, type Range, resolved, type View } from "../curves/range";
import type { Cursor } from "../job/cursor";
import { Panel, Problem } from "../ui/parts";
import { type Choice, pointsEach } from "./choice";
import { levelsOf } from "./levels";
import { asked, type Compared, extentOf } from "./lines";
import { MetricChart, type Shared } from "./MetricChart";
import { Toolbar, ZoomButtons } from "./Toolbar";

const EVERY = 4_000;

interface Props {
  jobs: readonly Job[];
  places: readonly number[];
  choice: Choice;
  choose: (part: Partial<Choice>, view?: View) => void;
  view: View;
  cursor: Cursor;
}

export function Curves({ jobs, places, choice, choose, view, cursor }: Props) {
  const { along, metrics } = choice;
  const { data: catalogue } = useQuery(catalogueQuery);
  const [settings, change] = useSettings();
  const [selection] = useState(() => new Watched<Range | null>(null));
  const colours = useColours();
  const extent = extentOf(jobs, along);
  const range = resolved(view, extent);
  const { compared, error, refetch } = useCompared(jobs, places, choice, view.kind === "all" ? null : range);
  const levels = useMemo(
    () => new Map(metrics.map((metric) => [metric, levelsOf(metric, jobs, catalogue)])),
    [metrics, jobs, catalogue],
  );
  const show = (next: View) => choose({}, next);
  const shared: Shared = {
    along,
    range: useSame(range),
    extent,
    settings,
    colours,
    cursor,
    selection,
    show,
  };
  return (
    <Panel
      title="Curves"
      className="compare-curves"
      actions={<ZoomButtons range={range} extent={extent} show={show} />}
    >
      <Toolbar
        metrics={recordedBy(jobs, catalogue, metrics)}
        chosen={metrics}
        choose={(chosen) => choose({ metrics: chosen })}
        along={along}
        setAlong={(next) => {
          cursor.set(null);
          choose({ along: next }, ALL);
        }}
        settings={settings}
        change={change}
      />
      {error && <Problem error={error} retry={() => void refetch()} />}
      <div className="compare-charts">
        {metrics.map((metric) => (
          <MetricChart key={metric} metric={metric} jobs={compared} lines={levels.get(metric) ?? []} shared={shared} />
        ))}
      </div>
    </Panel>
  );
}

/** The same array while its ends are the same, for what is drawn anew with another. */
const useSame = ([first, last]: Range): Range => useMemo(() => [first, last], [first, last]);

/** The metrics that any of the jobs records, in the catalogue's order, and those that are chosen. */
function recordedBy(jobs: readonly Job[], catalogue: Catalogue | undefined, chosen: readonly string[]): string[] {
  const held = new Set([...chosen, ...jobs.flatMap((job) => Object.keys(job.latest_metrics ?? {}))]);
  const known = catalogue?.metrics.map(({ name }) => name) ?? [];
  return [...known.filter((name) => held.has(name)), ...chosen.filter((name) => !known.includes(name))];
}

/** What stands for a curve that has not come yet. */
function emptyOf(id: string, metrics: readonly string[]): MetricBuckets {
  const none = { min: [], max: [], mean: [], last: [], non_finite: [] };
  return {
    object: "metric_buckets",
    job_id: id,
    segment: 0,
    bucket_steps: 1,
    first_step: [],
    last_step: [],
    count: [],
    columns: Object.fromEntries(metrics.map((metric) => [metric, none])),
    next_step: 0,
  };
}

/** All curves in one answer; asked for again while any of the jobs is trained, and for every range that is zoomed to. */
function useCompared(jobs: readonly Job[], places: readonly number[], choice: Choice, range: Range | null) {
  const steps = jobs.map((job) => job.steps);
  const { data, error, refetch } = useQuery({
    ...curvesQuery(
      choice.jobs,
      choice.metrics,
      pointsEach(choice.jobs.length),
      range ? asked(range, steps, choice.along) : undefined,
    ),
    placeholderData: keepPreviousData,
    refetchInterval: jobs.some(({ status }) => !FINAL.includes(status)) ? EVERY : false,
  });
  const compared = useMemo(
    () =>
      jobs.flatMap((job, at): Compared[] => {
        const curve = data ? data.data.find((each) => each.job_id === job.id) : emptyOf(job.id, choice.metrics);
        return curve ? [{ job, curve, index: places[at] as number }] : [];
      }),
    [jobs, places, data, choice.metrics],
  );
  return { compared, error: data ? null : error, refetch };
}
