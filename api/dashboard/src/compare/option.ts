// The chart of a metric of several jobs, for ECharts.

import type { ChartOption } from "../charts/echarts";
import { frame } from "../charts/option";
import type { Settings } from "../charts/settings";
import type { Colours } from "../charts/theme";
import { bandOf, middles } from "../curves/band";
import type { Range } from "../curves/range";
import { placed, type Scale } from "../curves/scale";
import { smoothed } from "../curves/smoothing";
import { type Along, type Compared, marked, partOf, placeOf, sharedScale, WHOLE } from "./lines";
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
  const scale = sharedScale(jobs, metric, { range, along, log: settings.log }, lines);
  const axes = frame(scale, { range, settings, colours, steps: true });
  const share = { type: "value", min: range[0], max: range[1], axisLine: { lineStyle: { color: colours.line } } };
  const shares = {
    ...share,
    axisLabel: {
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
    series: [...jobs.flatMap((job) => seriesOf(job, metric, scale, look)), across(lines, scale, colours)],
  };
}

/** A share of a job's steps, as closely as it is looked at. */
const inShares = (place: number, [first, last]: Range): string =>
  `${((100 * place) / WHOLE).toFixed(last - first < WHOLE / 20 ? 1 : 0)} %`;

const quiet = (id: string) => ({ id, silent: true, animation: false, emphasis: { disabled: true } });

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
    ...(band.length ? [bandSeries(`${index} band`, colour, band)] : []),
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
  ];
}

function bandSeries(id: string, colour: string, stretches: [number, number][][]) {
  return {
    ...quiet(id),
    type: "custom",
    coordinateSystem: "cartesian2d",
    clip: true,
    z: 2,
    data: stretches.map((points, at) => [points[0]?.[0], points[0]?.[1], at]),
    renderItem: (_: unknown, api: { value: (at: number) => number; coord: (point: [number, number]) => number[] }) => ({
      type: "polygon",
      shape: { points: (stretches[api.value(2)] ?? []).map(api.coord) },
      style: { fill: colour, fillOpacity: 0.12, stroke: colour, strokeOpacity: 0.35, lineWidth: 0.6 },
    }),
  };
}

function across(lines: readonly number[], scale: Scale, colours: Colours): object {
  const data = lines.flatMap((line) => {
    const at = placed(line, scale.log);
    return at === null ? [] : [{ yAxis: at, name: String(Number(line.toFixed(3))) }];
  });
  return {
    ...quiet("levels"),
    type: "line",
    data: [],
    markLine: {
      silent: true,
      animation: false,
      symbol: "none",
      lineStyle: { type: "dashed", width: 1.1, color: colours.muted },
      label: {
        formatter: "{b}",
        position: "insideStartTop",
        fontSize: 11,
        color: colours.muted,
        backgroundColor: colours.surface,
        padding: [1, 3],
        borderRadius: 3,
      },
      data,
    },
    z: 3,
  };
}
