// The charts one below another, with what belongs to all of them.

import { type ReactNode, useCallback, useId, useState } from "react";
import type { Curves } from "../curves/useCurves";
import { usePlace } from "../job/context";
import { Problem } from "../ui/parts";
import { CursorBar } from "./CursorBar";
import { CurvesTable } from "./CurvesTable";
import type { ChartInstance } from "./echarts";
import { Evaluations } from "./Evaluations";
import type { Figure } from "./figures";
import { FigureView } from "./FigureView";
import { useKeys } from "./keys";
import { Overview } from "./Overview";
import { Downloads } from "./Switches";
import { useShared } from "./shared";
import { Toolbar } from "./Toolbar";
import { VerdictStrip } from "./VerdictStrip";

const HEIGHTS: Record<string, number> = { losses: 240 };
const HEIGHT = 165;

interface Props {
  curves: Curves;
  figures: { main: Figure[]; extra: Figure[] };
}

export function ChartsGroup({ curves, figures }: Props) {
  const { curve, settings } = useShared();
  const { segment } = usePlace();
  const [drawn, whenReady] = useDrawn();
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
      <KeyedGroup>
        <CursorBar coming={curves.coming} />
        <VerdictStrip />
        <div className="charts-problem">{curves.error && <Problem error={curves.error} retry={curves.again} />}</div>
        <Figures figures={figures.main} onReady={whenReady} />
        {curves.whole && curves.extent ? <Overview whole={curves.whole} /> : <div className="overview" />}
        {settings.smoothing > 0 && (
          <p className="note">The smooth lines are averages over the points drawn; the faint ones are as recorded.</p>
        )}
        <Extras figures={figures.extra} />
        {segment === null && <Evaluations />}
      </KeyedGroup>
      <TableAndFiles />
    </div>
  );
}

/** Whether the first chart was drawn, and what it is to be told by. */
function useDrawn(): [boolean, (chart: ChartInstance) => () => void] {
  const [drawn, setDrawn] = useState(false);
  const whenReady = useCallback((chart: ChartInstance) => {
    const finished = () => setDrawn(true);
    chart.on("finished", finished);
    return () => void chart.off("finished", finished);
  }, []);
  return [drawn, whenReady];
}

/** What listens to keys while it has the focus. */
function KeyedGroup({ children }: { children: ReactNode }) {
  const hint = useId();
  return (
    <>
      <div
        className="charts-group"
        role="group"
        aria-label="Curves"
        aria-describedby={hint}
        tabIndex={0}
        onKeyDown={useKeys()}
      >
        {children}
      </div>
      <details className="hints">
        <summary>By mouse, by touch, by keys</summary>
        <p id={hint} className="note">
          Mouse: point to read, drag over a chart to look closer, double-click for all, Ctrl and the wheel to zoom.
          Touch: one finger reads, two zoom. Keys: ← → move the cursor, with Shift the range; + and − zoom, 0 shows all,
          Escape goes back to the newest step.
        </p>
      </details>
    </>
  );
}

function Figures({ figures, onReady }: { figures: Figure[]; onReady?: (chart: ChartInstance) => () => void }) {
  return figures.map((figure, at) => (
    <FigureView
      key={figure.id}
      figure={figure}
      height={HEIGHTS[figure.id] ?? HEIGHT}
      steps={at === figures.length - 1}
      {...(at === 0 && onReady && { onReady })}
    />
  ));
}

function Extras({ figures }: { figures: Figure[] }) {
  const [open, setOpen] = useState(false);
  if (figures.length === 0) return null;
  return (
    <details className="extras" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>More curves: {figures.map(({ title }) => title.toLowerCase()).join(", ")}</summary>
      {open && <Figures figures={figures} />}
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
