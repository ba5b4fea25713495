// The charts one below another, with what belongs to all of them.

import { type KeyboardEvent, useCallback, useId, useRef, useState } from "react";
import { bucketAt } from "../curves/reading";
import { ALL, moved, zoomed } from "../curves/range";
import type { Curves } from "../curves/useCurves";
import { useJobShown } from "../job/context";
import { CursorBar } from "./CursorBar";
import { CurvesTable } from "./CurvesTable";
import type { ChartInstance } from "./echarts";
import { Evaluations } from "./Evaluations";
import type { Figure } from "./figures";
import { FigureView } from "./FigureView";
import { Overview } from "./Overview";
import { Downloads } from "./Switches";
import { useShared } from "./shared";
import { Toolbar } from "./Toolbar";
import { VerdictStrip } from "./VerdictStrip";

const HEIGHTS: Record<string, number> = { losses: 240 };
const HEIGHT = 165;

export function ChartsGroup({ curves, figures }: { curves: Curves; figures: { main: Figure[]; extra: Figure[] } }) {
  const { curve, settings } = useShared();
  const { segment } = useJobShown();
  const [drawn, setDrawn] = useState(false);
  const hint = useId();
  const keyed = useKeys();
  const whenReady = useCallback((chart: ChartInstance) => {
    const finished = () => setDrawn(true);
    chart.on("finished", finished);
    return () => void chart.off("finished", finished);
  }, []);
  return (
    <div
      className="charts"
      data-testid="charts"
      data-points={curve.count.length}
      data-bucket-steps={curve.bucket_steps}
      data-first-step={curve.first_step[0]}
      data-last-step={curve.last_step.at(-1)}
      data-ready={drawn && curves.drawn !== null && !curves.coming}
    >
      {segment !== null && (
        <p className="note">
          These steps were given up: the job went back to an earlier one and on from there. They change no more.
        </p>
      )}
      <Toolbar />
      <div
        className="charts-group"
        role="group"
        aria-label="Curves"
        aria-describedby={hint}
        tabIndex={0}
        onKeyDown={keyed}
      >
        <CursorBar coming={curves.coming} />
        <VerdictStrip />
        {figures.main.map((figure, at) => (
          <FigureView
            key={figure.id}
            figure={figure}
            height={HEIGHTS[figure.id] ?? HEIGHT}
            steps={at === figures.main.length - 1}
            {...(at === 0 && { onReady: whenReady })}
          />
        ))}
        {curves.whole && curves.extent ? <Overview whole={curves.whole} /> : <div className="overview" />}
        {settings.smoothing > 0 && (
          <p className="note">The smooth lines are averages over the points drawn; the faint ones are as recorded.</p>
        )}
        <details className="hints">
          <summary>By mouse, by touch, by keys</summary>
          <p id={hint} className="note">
            Mouse: point to read, drag over a chart to look closer, double-click for all, Ctrl and the wheel to zoom.
            Touch: one finger reads, two zoom. Keys: ← → move the cursor, with Shift the range; + and − zoom, 0 shows
            all, Escape goes back to the newest step.
          </p>
        </details>
        <Extras figures={figures.extra} />
        {segment === null && <Evaluations />}
      </div>
      <TableAndFiles />
    </div>
  );
}

function Extras({ figures }: { figures: Figure[] }) {
  const [open, setOpen] = useState(false);
  if (figures.length === 0) return null;
  return (
    <details className="extras" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>More curves: {figures.map(({ title }) => title.toLowerCase()).join(", ")}</summary>
      {open &&
        figures.map((figure, at) => (
          <FigureView key={figure.id} figure={figure} height={HEIGHT} steps={at === figures.length - 1} />
        ))}
    </details>
  );
}

function TableAndFiles() {
  const [open, setOpen] = useState(false);
  return (
    <div className="table-and-files">
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>As a table</summary>
        {open && <CurvesTable />}
      </details>
      <Downloads />
    </div>
  );
}

/** The keys that the group of charts knows. The cursor goes from point to point. */
function useKeys(): (event: KeyboardEvent) => void {
  const shared = useShared();
  const { cursor } = useJobShown();
  const now = useRef(shared);
  now.current = shared;
  return useCallback(
    (event) => {
      if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
      const { curve, range, extent, show } = now.current;
      const centre = cursor.step ?? (range[0] + range[1]) / 2;
      const go = (by: number) => {
        const at = bucketAt(curve, cursor.step ?? range[1]) + by;
        const step = curve.last_step[Math.min(Math.max(at, 0), curve.count.length - 1)];
        if (step !== undefined) cursor.set(Math.min(Math.max(step, range[0]), range[1]));
      };
      const side = event.key === "ArrowLeft" ? -1 : 1;
      const acts: Record<string, () => void> = {
        ArrowLeft: () => (event.shiftKey ? show(moved(range, 0.25 * side, extent)) : go(side)),
        ArrowRight: () => (event.shiftKey ? show(moved(range, 0.25 * side, extent)) : go(side)),
        PageUp: () => go(-Math.ceil(curve.count.length / 20)),
        PageDown: () => go(Math.ceil(curve.count.length / 20)),
        Home: () => cursor.set(range[0]),
        End: () => cursor.set(range[1]),
        Escape: () => cursor.set(null),
        "+": () => show(zoomed(range, 0.5, centre, extent)),
        "=": () => show(zoomed(range, 0.5, centre, extent)),
        "-": () => show(zoomed(range, 2, centre, extent)),
        "0": () => show(ALL),
      };
      const act = acts[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    },
    [cursor],
  );
}
