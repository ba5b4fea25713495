// A chart of curves, for ECharts: lines of means, bands from least to greatest, levels, and where values are no numbers.

import type { MetricBuckets, MetricSummaries } from "../api/types";
import type { Range } from "../curves/range";
import { within } from "../curves/reading";
import { even, marks, placed, type Scale, scaleOf, valueAt } from "../curves/scale";
import { type Peak, peaks } from "../curves/peaks";
import { smoothed } from "../curves/smoothing";
import { bandOf, middles } from "../curves/band";
import { number } from "../ui/format";
import type { ChartOption } from "./echarts";
import type { Curve, Figure, Level } from "./figures";
import type { Settings } from "./settings";
import type { Colours } from "./theme";

/** Pixels beside and around the lines: what lies over a chart reckons with the first two. Levels are named on the right,
 * where no curve is. */
export const LEFT = 52;
export const RIGHT = 44;
const TOP = 6;
/** Below so many points each has a mark of its own. */
const FEW = 60;

interface Frame {
  range: Range;
  colours: Colours;
  /** Whether the steps are written below the chart. */
  steps: boolean;
  settings?: Settings;
}

export interface Look extends Frame {
  settings: Settings;
}

export function figureOption(figure: Figure, curve: MetricBuckets, look: Look): ChartOption {
  const names = figure.curves.map(({ key }) => key);
  const lines = [...figure.levels.map(({ value }) => value), ...(figure.fixed ?? [])];
  const scale = scaleOf(curve, names, look.range, figure.log, lines, look.settings.cut);
  const [from, to] = within(curve, look.range);
  // One more on either side, so that lines go on to the edge.
  const part: Range = [Math.max(0, from - 1), Math.min(curve.count.length, to + 1)];
  const series = figure.curves.flatMap((each) => seriesOf(each, curve, part, scale, look));
  return { ...frame(scale, look), series: [...series, levelsOf(figure.levels, scale)] };
}

/** Axes without anything on them. */
export function frame(scale: Scale, { range, colours, steps }: Frame): ChartOption {
  const text = { color: colours.muted, fontSize: 11, hideOverlap: true };
  const ticks = marks(scale, 4);
  const [first, last] = range;
  return {
    animation: false,
    // The margins are these, whatever stands in them: what lies over the charts reckons with that.
    grid: { outerBoundsMode: "none", left: LEFT, right: RIGHT, top: TOP, bottom: steps ? 24 : TOP },
    xAxis: {
      type: "value",
      min: first,
      max: Math.max(last, first + 1),
      axisLine: { lineStyle: { color: colours.line }, onZero: false },
      axisTick: { show: steps, customValues: wholeSteps(range) },
      axisLabel: { ...text, show: steps, formatter: inShort, customValues: wholeSteps(range) },
      splitLine: { show: true, lineStyle: { color: colours.line, opacity: 0.5 } },
    },
    yAxis: {
      type: "value",
      min: scale.low,
      max: scale.high,
      axisTick: { show: false, customValues: ticks },
      axisLabel: {
        ...text,
        formatter: (at: number) => number(Number(valueAt(at, scale.log).toPrecision(6)), 3),
        customValues: ticks,
      },
      splitLine: { lineStyle: { color: colours.line } },
    },
  };
}

const wholeSteps = ([first, last]: Range) => even(first, last, 6).filter(Number.isInteger);

/** 250, 12k, 1.5M: short enough for a phone. */
export function inShort(step: number): string {
  for (const [size, mark] of [
    [1e6, "M"],
    [1e3, "k"],
  ] as const)
    if (step >= 10 * size || (step >= size && step % (size / 10) === 0))
      return `${Number((step / size).toPrecision(6))}${mark}`;
  return String(step);
}

function seriesOf({ key, colour }: Curve, curve: MetricBuckets, part: Range, scale: Scale, look: Look) {
  const held = curve.columns[key];
  if (!held) return [];
  const steps = middles(curve, part);
  const means = held.mean.slice(...part);
  const { smoothing, bands } = look.settings;
  const found: object[] = [];
  if (bands && curve.bucket_steps > 1) found.push(bandSeries(key, colour, bandOf(held, steps, part, scale)));
  if (smoothing > 0) found.push(line(`${key} as it is`, colour, steps, means, scale, 0.3));
  found.push(line(key, colour, steps, smoothed(means, smoothing), scale, 1));
  if (look.settings.cut) found.push(beyond(key, colour, held, steps, part, scale));
  const lost = steps.filter((_, at) => (held.non_finite[part[0] + at] ?? 0) > 0);
  found.push({
    ...quiet(`${key} not finite`),
    type: "scatter",
    data: lost.map((step) => [step, scale.low]),
    symbol: "triangle",
    symbolSize: 9,
    symbolOffset: [0, -5],
    itemStyle: { color: look.colours.severity.alarm },
    clip: false,
    z: 6,
  });
  return found;
}

/** Marks at the edge where a curve goes beyond it: one each time, and how far it goes where it goes farthest. */
export function beyond(key: string, colour: string, held: MetricSummaries, steps: number[], part: Range, scale: Scale) {
  const places = (column: readonly (number | null)[]) => column.slice(...part).map((value) => placed(value, scale.log));
  const above = peaks(places(held.max), scale.high);
  const below = peaks(
    places(held.min).map((place) => place && -place),
    -scale.low,
  );
  const label = (at: number, value: number) => ({
    show: true,
    formatter: number(value, 3),
    position: at > steps.length / 2 ? "left" : "right",
  });
  const marksOf = (found: Peak[], edge: number, side: object, sign: number) =>
    found.map(({ at, place, farthest }) => ({
      value: [steps[at], edge],
      ...side,
      ...(farthest && { label: label(at, valueAt(sign * place, scale.log)) }),
    }));
  return {
    ...quiet(`${key} beyond`),
    type: "scatter",
    data: [
      ...marksOf(above, scale.high, { symbolOffset: [0, 5] }, 1),
      ...marksOf(below, scale.low, { symbolRotate: 180 }, -1),
    ],
    symbol: "triangle",
    symbolSize: 9,
    itemStyle: { color: colour },
    label: { color: colour, fontSize: 11 },
    labelLayout: { hideOverlap: true },
    clip: false,
    z: 6,
  };
}

export const quiet = (id: string) => ({ id, silent: true, animation: false, emphasis: { disabled: true } });

function line(id: string, colour: string, steps: number[], values: (number | null)[], scale: Scale, opacity: number) {
  return {
    ...quiet(id),
    type: "line",
    data: steps.map((step, at) => [step, placed(values[at], scale.log)]),
    showSymbol: steps.length <= FEW,
    symbol: "circle",
    symbolSize: 4,
    lineStyle: { color: colour, width: opacity < 1 ? 1 : 1.6, opacity },
    itemStyle: { color: colour, opacity },
    z: opacity < 1 ? 3 : 4,
  };
}

/** A polygon for each stretch: filled lightly, with a thin outline that shows also what is narrower than a pixel. */
export function bandSeries(key: string, colour: string, stretches: [number, number][][]) {
  return {
    ...quiet(`${key} band`),
    type: "custom",
    coordinateSystem: "cartesian2d",
    clip: true,
    z: 2,
    data: stretches.map((points, at) => [points[0]?.[0], points[0]?.[1], at]),
    renderItem: (_: unknown, api: { value: (at: number) => number; coord: (point: [number, number]) => number[] }) => ({
      type: "polygon",
      shape: { points: (stretches[api.value(2)] ?? []).map(api.coord) },
      style: { fill: colour, fillOpacity: 0.16, stroke: colour, strokeOpacity: 0.55, lineWidth: 0.7 },
    }),
  };
}

/** Lines across, each with its value beside the chart; without it where another's is so near that they would overlap. */
export function levelsOf(levels: readonly Level[], scale: Scale) {
  let below = Number.NEGATIVE_INFINITY;
  const data = levels
    .flatMap((level) => {
      const at = placed(level.value, scale.log);
      return at === null ? [] : [{ ...level, at }];
    })
    .sort((a, b) => a.at - b.at)
    .map(({ at, value, label, colour }) => {
      const show = at - below >= NAME_SHARE * (scale.high - scale.low);
      if (show) below = at;
      const named = { show, color: colour, formatter: number(Number(value.toFixed(3))) };
      return { yAxis: at, name: label, lineStyle: { color: colour }, label: named };
    });
  return {
    ...quiet("levels"),
    type: "line",
    data: [],
    markLine: {
      silent: true,
      animation: false,
      symbol: "none",
      z: 8,
      lineStyle: { type: "dashed", width: 1.2 },
      label: { position: "end", distance: 4, fontSize: 11 },
      data,
    },
    z: 5,
  };
}

/** The share of a chart's height that a name takes. */
const NAME_SHARE = 0.1;
