// The chart of one number of the evaluations, for ECharts.

import type { Catalogue, Evaluation } from "../api/types";
import type { Range } from "../curves/range";
import { number } from "../ui/format";
import type { ChartOption } from "./echarts";
import { frame } from "./option";
import type { Colours } from "./theme";

export type Facts = Catalogue["evaluations"][number];
export interface Point {
  step: number;
  value: number;
}

/** The evaluations that have `name` as a finite number, by step. */
export const pointsOf = (evaluations: readonly Evaluation[], name: string): Point[] =>
  evaluations
    .flatMap(({ step, values }) => {
      const value = values[name];
      return typeof value === "number" ? [{ step, value }] : [];
    })
    .sort((a, b) => a.step - b.step);

/** The best of `points`, the first of equals; null where neither way is better, or there is none. */
export function bestOf(points: readonly Point[], better: Facts["better"]): Point | null {
  if (better === null) return null;
  const beats = (a: number, b: number) => (better === "higher" ? a > b : a < b);
  return points.reduce<Point | null>(
    (best, each) => (best === null || beats(each.value, best.value) ? each : best),
    null,
  );
}

export function evaluationOption(
  points: readonly Point[],
  best: Point | null,
  { range, colours }: { range: Range; colours: Colours },
): ChartOption {
  const values = points.map(({ value }) => value);
  const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const room = 0.15 * (high - low) || 0.1 * Math.abs(high) || 0.1;
  const colour = colours.series[4] as string;
  const data = points.map(({ step, value }) => {
    const point = { value: [step, value], symbolSize: 6 };
    if (step !== best?.step) return point;
    const label = {
      show: true,
      formatter: `best ${number(value)}`,
      color: colours.text,
      position: side(step, range),
      fontSize: 11,
    };
    return { ...point, symbol: "diamond", symbolSize: 13, itemStyle: { color: colours.severity.ok }, label };
  });
  const series = {
    id: "evaluation",
    type: "line",
    silent: true,
    animation: false,
    emphasis: { disabled: true },
    symbol: "circle",
    showAllSymbol: true,
    lineStyle: { color: colour, width: 1.2, opacity: 0.7 },
    itemStyle: { color: colour },
    data,
  };
  return {
    ...frame({ log: false, low: low - room, high: high + room }, { range, colours, steps: true }),
    series: [series],
  };
}

/** Away from the edge that a point is at. */
const side = (step: number, [first, last]: Range) => (step > (first + last) / 2 ? "left" : "right");
