// A chart with what lies behind and over it: verdicts, the cursor, and the range that is dragged over.

import { useEffect, useRef } from "react";
import type { Range } from "../curves/range";
import { usePlace } from "../job/context";
import { useCursor } from "../job/cursor";
import { Chart } from "./Chart";
import type { ChartInstance, ChartOption } from "./echarts";
import { leftOf, listen } from "./gestures";
import { useShared, useWatched } from "./shared";

interface Props {
  option: ChartOption;
  height: number;
  label: string;
  /** Whether the steps are written below it. */
  steps: boolean;
  onReady?: (chart: ChartInstance) => (() => void) | undefined;
}

export function Plot({ option, height, label, steps, onReady }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const shared = useShared();
  const { cursor } = usePlace();
  const now = useRef(shared);
  now.current = shared;
  useEffect(() => {
    if (box.current === null) return;
    return listen(box.current, {
      range: () => now.current.range,
      extent: () => now.current.extent,
      look: cursor.set,
      select: (range) => now.current.selection.set(range),
      show: (view) => now.current.show(view),
    });
  }, [cursor]);
  return (
    <div ref={box} className="plot" data-steps={steps || undefined}>
      <Verdicts />
      {shared.known ? (
        <Chart option={option} height={height} label={label} {...(onReady && { onReady })} />
      ) : (
        <div style={{ height }} />
      )}
      <CursorLine />
      <Selection />
    </div>
  );
}

function Verdicts() {
  const { intervals, range } = useShared();
  return (
    <div className="plot-under" aria-hidden="true">
      {intervals.map(({ first, to_step, severity }) => {
        if (to_step < range[0] || first > range[1]) return null;
        return <span key={first} data-severity={severity} style={stretch([first, to_step + 1], range)} />;
      })}
    </div>
  );
}

/** Where a stretch of steps lies, as style. */
export const stretch = ([first, last]: Range, range: Range) => ({
  left: leftOf(first, range),
  width: `calc(${leftOf(last, range)} - ${leftOf(first, range)})`,
});

function CursorLine() {
  const { range } = useShared();
  const step = useCursor(usePlace().cursor);
  if (step === null || step < range[0] || step > range[1]) return null;
  return <span className="cursor-line" style={{ left: leftOf(step, range) }} />;
}

function Selection() {
  const { range, selection } = useShared();
  const selected = useWatched(selection);
  return selected && <span className="selection" style={stretch(selected, range)} />;
}
