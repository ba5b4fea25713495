// One chart of curves, with their names and what they are at the step that is looked at.

import { useMemo } from "react";
import { bucketAt, readingOf } from "../curves/reading";
import { withoutPlace } from "../curves/scale";
import { count, number } from "../ui/format";
import type { ChartInstance } from "./echarts";
import type { Curve, Figure } from "./figures";
import { figureOption } from "./option";
import { Plot } from "./Plot";
import { useLook, useShared } from "./shared";
import { usePicture } from "./usePicture";

interface Props {
  figure: Figure;
  height: number;
  /** Whether the steps are written below it. */
  steps: boolean;
  onReady?: (chart: ChartInstance) => (() => void) | undefined;
}

export function FigureView({ figure, height, steps, onReady }: Props) {
  const { curve, range, settings, colours } = useShared();
  const [box, drawn] = usePicture();
  const option = useMemo(
    () => figureOption(figure, drawn.curve, { range: drawn.range, settings, colours, steps }),
    [figure, drawn, settings, colours, steps],
  );
  const newest = figure.curves.map(({ key, label }) => {
    const reading = readingOf(curve, key, bucketAt(curve, range[1]));
    return `${label} ${number(reading?.mean)}`;
  });
  const label = `${figure.title}, steps ${count(range[0])} to ${count(range[1])}. At the last of them: ${newest.join(", ")}.`;
  return (
    <figure className="figure" data-figure={figure.id} ref={box}>
      <figcaption>
        <h3>
          {figure.title}
          {figure.log && <small> log</small>}
        </h3>
        <ul className="legend">
          {figure.curves.map((each) => (
            <Value key={each.key} curve={each} />
          ))}
        </ul>
      </figcaption>
      <Plot
        steps={steps}
        option={option}
        height={steps ? height + 18 : height}
        label={label}
        {...(onReady && { onReady })}
      />
      <NotDrawn figure={figure} />
    </figure>
  );
}

/** A curve's name with its value, and how far it reached about it. */
function Value({ curve: { key, label, colour, equilibrium } }: { curve: Curve }) {
  const { curve, at } = useLook();
  const reading = readingOf(curve, key, at);
  const ranges = curve.bucket_steps > 1 && reading?.min != null && reading.max != null;
  return (
    <li data-curve={key}>
      <i style={{ background: colour }} /> <span>{label}</span> <b>{number(reading?.mean)}</b>
      {ranges && (
        <small>
          {number(reading.min, 3)} … {number(reading.max, 3)}
        </small>
      )}
      {equilibrium !== null && (
        <small title="where real and generated data cannot be told apart">eq. {number(equilibrium)}</small>
      )}
      {reading !== null && reading.nonFinite > 0 && <em> · {count(reading.nonFinite)} not finite</em>}
    </li>
  );
}

/** What a logarithmic axis cannot show is said. */
function NotDrawn({ figure }: { figure: Figure }) {
  const { curve, range } = useShared();
  if (!figure.log) return null;
  const missing = figure.curves
    .map(({ key, label }) => [label, withoutPlace(curve, key, range)] as const)
    .filter(([, points]) => points > 0);
  if (missing.length === 0) return null;
  const said = missing.map(([label, points]) => `${count(points)} ${points === 1 ? "point" : "points"} of ${label}`);
  return <p className="note">Not on a logarithmic axis: {said.join(" and ")}, at 0 or below.</p>;
}
