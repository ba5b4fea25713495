// The rows of the list that are seen, of however many there are; the window scrolls them.

import { useWindowVirtualizer } from "@tanstack/react-virtual";
import {
  type FocusEvent,
  type PointerEvent,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { curves } from "./curves";
import { MOST_JOBS } from "../compare/choice";
import { JobRow } from "./JobRow";
import type { Jobs } from "./merge";
import type { Shown } from "./useShown";

const COLUMNS = [
  ["choose", "Compare"],
  ["sample", "Sample"],
  ["name", "Job"],
  ["state", "State"],
  ["verdict", "Verdict"],
  ["progress", "Progress"],
  ["curve", "Losses"],
  ["losses", "Now"],
  ["age", "Age"],
] as const;
const OVERSCAN = 6;
/** Rows ahead of the end of the list at which older jobs are asked for. */
const AHEAD = 20;

interface Props {
  jobs: Jobs;
  shown: Shown;
  chosen: ReadonlySet<string>;
  choose: (id: string, on: boolean) => void;
  /** The end of the list is near. */
  nearEnd: () => void;
}

export function JobList({ jobs, shown, chosen, choose, nearEnd }: Props) {
  const body = useRef<HTMLDivElement>(null);
  const height = useRowHeight();
  const margin = useTop(body);
  const { ids, hold } = shown;
  const virtualizer = useWindowVirtualizer({
    count: ids.length,
    estimateSize: () => height,
    overscan: OVERSCAN,
    scrollMargin: margin,
    getItemKey: (index) => ids[index] as string,
  });
  useEffect(() => virtualizer.measure(), [virtualizer, height, margin]);
  const rows = virtualizer.getVirtualItems();
  const seen = rows.map((row) => jobs.get(ids[row.index] as string)).filter((job) => job !== undefined);
  useEffect(() => curves.show(seen));
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= ids.length - AHEAD) nearEnd();
  }, [last, ids.length, nearEnd]);
  // A row that had the focus may have been scrolled away, which no event tells.
  useEffect(() => {
    if (!body.current?.contains(document.activeElement)) hold("focus", false);
  });
  const full = chosen.size >= MOST_JOBS;
  return (
    <div className="job-table" role="table" aria-label="Jobs" aria-rowcount={ids.length + 1}>
      <Head />
      <div
        ref={body}
        role="rowgroup"
        className="jobs-rows"
        style={{ height: virtualizer.getTotalSize() }}
        {...holders(hold)}
      >
        {rows.map(({ index, key }) => {
          const job = jobs.get(ids[index] as string);
          const props = { index, full, choose, top: index * height };
          return job && <JobRow key={key} job={job} chosen={chosen.has(job.id)} {...props} />;
        })}
      </div>
    </div>
  );
}

const Head = () => (
  <div role="rowgroup" className="jobs-head">
    <div role="row" aria-rowindex={1} className="job-columns">
      {COLUMNS.map(([name, label]) => (
        <span key={name} role="columnheader" className={`cell-${name}`}>
          {name === "choose" ? <span className="sr-only">{label}</span> : label}
        </span>
      ))}
    </div>
  </div>
);

/** Events that say whether somebody is at a row; a finger that has touched one is not. */
const holders = (hold: Shown["hold"]) => ({
  onPointerEnter: (event: PointerEvent) => event.pointerType !== "touch" && hold("pointer", true),
  onPointerLeave: () => hold("pointer", false),
  onFocus: () => hold("focus", true),
  onBlur: (event: FocusEvent) => !event.currentTarget.contains(event.relatedTarget) && hold("focus", false),
});

const WIDE = window.matchMedia("(min-width: 1100px)");
const NARROW = window.matchMedia("(max-width: 640px)");

/** The height of a row (px), as styles/jobs.css lays it out: rows of one height need not be measured. */
const rowHeight = (): number => (WIDE.matches ? 76 : NARROW.matches ? 206 : 108);

function useRowHeight(): number {
  return useSyncExternalStore((watcher) => {
    for (const width of [WIDE, NARROW]) width.addEventListener("change", watcher);
    return () => {
      for (const width of [WIDE, NARROW]) width.removeEventListener("change", watcher);
    };
  }, rowHeight);
}

/** How far from the document's top an element begins; what is above it may grow. */
function useTop(element: React.RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const found = element.current;
    if (found) setTop(Math.round(found.getBoundingClientRect().top + window.scrollY));
  });
  return top;
}
