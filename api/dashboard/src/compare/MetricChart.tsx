// A metric of all compared jobs in one chart, with what each of them has at the place that is looked at.

import { type ReactNode, useEffect, useMemo, useRef } from "react";
import { Chart } from "../charts/Chart";
import { labelOf } from "../charts/figures";
import { leftOf, listen } from "../charts/gestures";
import { type Watched, useWatched } from "../charts/shared";
import type { Range, View } from "../curves/range";
import type { Reading } from "../curves/reading";
import { type Cursor, useCursor } from "../job/cursor";
import { count, number, title } from "../ui/format";
import { type Along, type Compared, isLog, placeInWords, readAt } from "./lines";
import { type Look, optionOf } from "./option";
import { Swatch } from "./styles";

const HEIGHT = 260;

export interface Shared extends Omit<Look, "lines"> {
  extent: Range;
  show: (view: View) => void;
  cursor: Cursor;
  /** The range that is being dragged over. */
  selection: Watched<Range | null>;
}

interface Props {
  metric: string;
  jobs: readonly Compared[];
  lines: readonly number[];
  shared: Shared;
}

export function MetricChart({ metric, jobs, lines, shared }: Props) {
  const { along, range, settings, colours } = shared;
  const option = useMemo(
    () => optionOf(jobs, metric, { along, range, settings, colours, lines }),
    [jobs, metric, along, range, settings, colours, lines],
  );
  const newest = jobs.map((job) => `${title(job.job)} ${number(readAt(job, metric, range[1], along)?.mean)}`);
  const ends = range.map((place) => placeInWords(place, along)).join(" to ");
  const label = `${labelOf(metric)} of ${jobs.length} jobs, ${ends}. At the last of them: ${newest.join(", ")}.`;
  return (
    <figure className="compare-figure" data-metric={metric}>
      <figcaption>
        <h3>
          {labelOf(metric)}
          {isLog(metric, settings.log) && <small className="muted"> log</small>}
        </h3>
      </figcaption>
      <Gestures shared={shared}>
        <Chart option={option} height={HEIGHT} label={label} />
        <Over shared={shared} />
      </Gestures>
      <Values metric={metric} jobs={jobs} along={along} cursor={shared.cursor} />
    </figure>
  );
}

function Gestures({ shared, children }: { shared: Shared; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const now = useRef(shared);
  now.current = shared;
  useEffect(() => {
    if (box.current === null) return;
    return listen(box.current, {
      range: () => now.current.range,
      extent: () => now.current.extent,
      look: (place) => now.current.cursor.set(place),
      select: (range) => now.current.selection.set(range),
      show: (view) => now.current.show(view),
    });
  }, []);
  return (
    <div ref={box} className="plot compare-plot">
      {children}
    </div>
  );
}

/** The line at the place looked at, and the range that is dragged over. */
function Over({ shared: { cursor, selection, range } }: { shared: Shared }) {
  const place = useCursor(cursor);
  const selected = useWatched(selection);
  const left = (at: number) => leftOf(at, range);
  return (
    <>
      {place !== null && place >= range[0] && place <= range[1] && (
        <span className="cursor-line" style={{ left: left(place) }} />
      )}
      {selected && (
        <span
          className="selection"
          style={{ left: left(selected[0]), width: `calc(${left(selected[1])} - ${left(selected[0])})` }}
        />
      )}
    </>
  );
}

function Values(props: { metric: string; jobs: readonly Compared[]; along: Along; cursor: Cursor }) {
  const { metric, jobs, along, cursor } = props;
  const place = useCursor(cursor);
  return (
    <ul className="compare-values" data-few={jobs.length <= 4}>
      {jobs.map((compared) => {
        const reading = readAt(compared, metric, place, along);
        const ranges = compared.curve.bucket_steps > 1;
        const recorded = compared.curve.columns[metric] != null;
        return (
          <li key={compared.job.id}>
            <Swatch index={compared.index} />
            <span className="compare-name" title={title(compared.job)}>
              {title(compared.job)}
            </span>
            {recorded ? <b>{number(reading?.mean)}</b> : <span className="muted">not recorded</span>}
            <small className="muted">{reading && aroundOf(reading, ranges)}</small>
          </li>
        );
      })}
    </ul>
  );
}

/** How far the values reach that a point of the picture stands for, and how many of them are no numbers. */
function aroundOf({ min, max, nonFinite }: Reading, ranges: boolean): string {
  const reach = ranges && min !== null && max !== null ? `${number(min, 3)} … ${number(max, 3)}` : "";
  return nonFinite ? `${count(nonFinite)} not finite` : reach;
}
