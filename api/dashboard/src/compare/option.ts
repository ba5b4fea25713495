// The chart of a metric of several jobs, for ECharts.

import type { ChartOption } from "../charts/echarts";
import { bandSeries, beyond, frame, levelsOf, quiet } from "../charts/option";
import type { Settings } from "../charts/settings";
import type { Colours } from "../charts/theme";
import { bandOf, middles } from "../curves/band";
import type { Range } from "../curves/range";
import { even, placed, type Scale } from "../curves/scale";
import { smoothed } from "../curves/smoothing";
import { type Along, type Compared, isLog, marked, partOf, placeOf, sharedScale, WHOLE } from "./lines";
import { STYLES } from "./styles";

const MARKS_PER_LINE = 6;

export interface Look {
  along: Along;
  range: Range;
  settings: Settings;
  colours: Colours;
  /** Values that mean something: lines across. */
  lines: readonly number[];
}

export function optionOf(jobs: readonly Compared[], metric: string, look: Look): ChartOption {
  const { range, along, settings, colours, lines } = look;
  const scale = sharedScale(jobs, metric, { range, along, log: isLog(metric, settings.log), cut: settings.cut }, lines);
  const levels = lines.map((value) => ({
    value,
    label: String(Number(value.toFixed(3))),
    colour: colours.muted,
  }));
  const axes = frame(scale, { range, settings, colours, steps: true });
  const ticks = even(range[0], range[1], 6);
  const shares = {
    type: "value",
    min: range[0],
    max: range[1],
    axisLine: { lineStyle: { color: colours.line }, onZero: false },
    axisTick: { show: true, customValues: ticks },
    axisLabel: {
      customValues: ticks,
      color: colours.muted,
      fontSize: 11,
      hideOverlap: true,
      formatter: (at: number) => inShares(at, range),
    },
    splitLine: { show: true, lineStyle: { color: colours.line, opacity: 0.5 } },
  };
  return {
    ...axes,
    ...(along === "progress" && { xAxis: shares }),
    series: [...jobs.flatMap((job) => seriesOf(job, metric, scale, look)), levelsOf(levels, scale)],
  };
}

/** A share of a job's steps, as closely as it is looked at. */
const inShares = (place: number, [first, last]: Range): string =>
  `${((100 * place) / WHOLE).toFixed(last - first < WHOLE / 20 ? 1 : 0)} %`;

function seriesOf(compared: Compared, metric: string, scale: Scale, look: Look): object[] {
  const { job, curve, index } = compared;
  const held = curve.columns[metric];
  if (!held) return [];
  const colour = look.colours.series[index % STYLES.length] as string;
  const { dashes, mark } = STYLES[index % STYLES.length] as (typeof STYLES)[number];
  const part = partOf(compared, look.range, look.along);
  const places = middles(curve, part).map((step) => placeOf(step, job.steps, look.along));
  const means = smoothed(held.mean.slice(...part), look.settings.smoothing);
  const points = places.map((place, at): [number, number | null] => [place, placed(means[at], scale.log)]);
  const band = look.settings.bands && curve.bucket_steps > 1 ? bandOf(held, places, part, scale) : [];
  return [
    ...(band.length ? [bandSeries(String(index), colour, band)] : []),
    {
      ...quiet(`${index} line`),
      type: "line",
      data: points,
      showSymbol: false,
      lineStyle: { color: colour, width: 1.7, type: dashes.length ? dashes : "solid" },
      z: 4,
    },
    {
      ...quiet(`${index} marks`),
      type: "scatter",
      data: marked(points, MARKS_PER_LINE),
      symbol: mark,
      symbolSize: 8,
      itemStyle: { color: colour },
      z: 5,
    },
    ...(look.settings.cut ? [beyond(String(index), colour, held, places, part, scale)] : []),
  ];
}
