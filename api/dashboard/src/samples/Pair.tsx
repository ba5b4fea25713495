// Two steps of a job, beside each other or over each other: A is pinned, B is the one that the timeline is at.

import { useState } from "react";
import { count } from "../ui/format";
import { Frame } from "./Frame";
import { Icon } from "./icons";
import { Single } from "./Single";
import { StepSlider } from "./StepSlider";
import { indexAt } from "./steps";
import { usePicture } from "./usePicture";
import type { Timeline } from "./useTimeline";

const VIEWS = { beside: "Side by side", wipe: "Wipe", difference: "Difference" } as const;
type View = keyof typeof VIEWS;

interface Props {
  timeline: Timeline;
  /** The step of A. */
  pinned: number;
  pin: (step: number) => void;
  /** The step of B. */
  step: number;
  crisp: boolean;
}

export function Pair({ timeline, pinned, pin, step, crisp }: Props) {
  const [view, setView] = useState<View>("beside");
  const { steps } = timeline;
  const swap = () => {
    pin(step);
    timeline.go(indexAt(steps, pinned));
  };
  const sides = { timeline, a: pinned, b: step, crisp };
  return (
    <div className="sample-pair">
      <div className="sample-buttons">
        <label className="sample-speed">
          <span className="sr-only">How the two are shown</span>
          <select value={view} onChange={(event) => setView(event.target.value as View)}>
            {Object.entries(VIEWS).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => pin(step)} disabled={pinned === step}>
          <Icon name="pin" /> Pin this step as A
        </button>
        <button type="button" onClick={swap} disabled={pinned === step}>
          <Icon name="swap" /> Swap
        </button>
      </div>
      {view === "beside" ? <Beside {...sides} /> : <Over {...sides} view={view} />}
      <div className="sample-a">
        <span aria-hidden="true">A</span>
        <StepSlider
          label="Step of A"
          steps={steps}
          index={indexAt(steps, pinned)}
          set={(index) => pin(steps[index] as number)}
        />
      </div>
    </div>
  );
}

interface Sides {
  timeline: Timeline;
  a: number;
  b: number;
  crisp: boolean;
}

const Side = ({ name, step }: { name: string; step: number }) => (
  <>
    <b>{name}</b> step {count(step)}
  </>
);

const Beside = ({ timeline, a, b, crisp }: Sides) => (
  <div className="sample-beside">
    <figure>
      <Single timeline={timeline} step={a} crisp={crisp} />
      <figcaption>
        <Side name="A" step={a} />
      </figcaption>
    </figure>
    <figure>
      <Single timeline={timeline} step={b} crisp={crisp} />
      <figcaption>
        <Side name="B" step={b} />
      </figcaption>
    </figure>
  </div>
);

/** B over A: to the right of a line that can be moved, or as the distance of the colours of the two. */
function Over({ timeline, a, b, crisp, view }: Sides & { view: "wipe" | "difference" }) {
  const [line, setLine] = useState(50);
  const below = usePicture(timeline.url(a));
  const above = usePicture(timeline.url(b));
  const wipe = view === "wipe";
  return (
    <figure>
      <Frame
        shown={{ ...below, error: below.error ?? above.error }}
        label={`Sample of step ${count(a)}`}
        width={timeline.width}
        height={timeline.height}
        crisp={crisp}
      >
        {above.picture && (
          <img
            className={wipe ? "sample-above" : "sample-above sample-difference"}
            src={above.picture.src}
            alt={`Sample of step ${count(b)}`}
            decoding="sync"
            draggable={false}
            style={wipe ? { clipPath: `inset(0 0 0 ${line}%)` } : undefined}
          />
        )}
        {wipe && <span className="sample-line" style={{ left: `${line}%` }} />}
        {wipe && (
          <input
            type="range"
            className="sample-wipe"
            aria-label="Where A ends and B begins"
            aria-valuetext={`${line} % of A`}
            value={line}
            onChange={(event) => setLine(Number(event.target.value))}
          />
        )}
      </Frame>
      <figcaption>
        {wipe ? "left " : "between "}
        <Side name="A" step={a} />
        {wipe ? ", right " : " and "}
        <Side name="B" step={b} />
        {!wipe && ": black where nothing has changed"}
      </figcaption>
    </figure>
  );
}
