// A chart in a box whose size does not depend on it, so that nothing moves when it comes.

import { useEffect, useRef } from "react";
import { type ChartInstance, type ChartOption, echarts } from "./echarts";

interface Props {
  option: ChartOption;
  /** In CSS pixels. */
  height: number;
  /** What the chart shows, in words, for who does not see it. */
  label: string;
  /** Called once with the chart, to listen to it; what it returns is called when the chart goes. */
  onReady?: (chart: ChartInstance) => (() => void) | undefined;
}

export function Chart({ option, height, label, onReady }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ChartInstance | null>(null);
  const ready = useRef(onReady);
  ready.current = onReady;

  useEffect(() => {
    if (box.current === null) return;
    const made = echarts.init(box.current);
    chart.current = made;
    const resize = new ResizeObserver(() => made.resize());
    resize.observe(box.current);
    const stop = ready.current?.(made);
    return () => {
      stop?.();
      resize.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  // Whole lists of series: without it a series that is no longer given would stay.
  useEffect(() => chart.current?.setOption(option, { replaceMerge: ["series"], lazyUpdate: true }), [option]);

  return <div ref={box} className="chart" style={{ height }} role="img" aria-label={label} />;
}
