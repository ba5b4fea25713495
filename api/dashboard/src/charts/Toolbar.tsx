// Which steps are shown: buttons, and fields to type them.

import { type FormEvent, useState } from "react";
import { ALL, moved, rangeView, type Range, type View, zoomed } from "../curves/range";
import { useShared } from "./shared";

const middle = ([first, last]: Range) => (first + last) / 2;

export function Toolbar() {
  const { extent, range, view, show } = useShared();
  const whole = extent[1] - extent[0] + 1;
  const tenth = Math.max(10, Math.ceil(whole / 10));
  const button = (name: string, mark: string, next: () => View, off = false) => (
    <button type="button" className="icon" title={name} aria-label={name} disabled={off} onClick={() => show(next())}>
      {mark}
    </button>
  );
  return (
    <div className="charts-toolbar" role="toolbar" aria-label="Steps shown">
      <button type="button" aria-pressed={view.kind === "all"} className="toggle" onClick={() => show(ALL)}>
        All
      </button>
      <button type="button" onClick={() => show({ kind: "last", steps: tenth })}>
        Last 10 %
      </button>
      <button
        type="button"
        className="toggle"
        aria-pressed={view.kind !== "range"}
        title="Go on with the newest steps as they come"
        disabled={view.kind === "all"}
        onClick={() =>
          show(view.kind === "range" ? { kind: "last", steps: range[1] - range[0] + 1 } : rangeView(range, extent))
        }
      >
        Follow
      </button>
      <span className="icons">
        {button("Earlier", "◂", () => moved(range, -0.5, extent), range[0] <= extent[0])}
        {button("Later", "▸", () => moved(range, 0.5, extent), range[1] >= extent[1])}
        {button("Zoom in", "+", () => zoomed(range, 0.5, middle(range), extent))}
        {button("Zoom out", "−", () => zoomed(range, 2, middle(range), extent), view.kind === "all")}
      </span>
      <Typed range={range} extent={extent} show={show} />
    </div>
  );
}

interface TypedProps {
  range: Range;
  extent: Range;
  show: (view: View) => void;
}

function Typed({ range, extent, show }: TypedProps) {
  // What is typed, until it is shown; else the fields say what is.
  const [typed, setTyped] = useState<readonly [string, string] | null>(null);
  const [from, to] = typed ?? [String(range[0]), String(range[1])];
  const [first, last] = [Number(from), Number(to)];
  const whole = Number.isInteger(first) && Number.isInteger(last);
  const wrong = typed !== null && !(whole && first < last && last >= extent[0] && first <= extent[1]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wrong) return;
    setTyped(null);
    show(rangeView([first, last], extent));
  };
  return (
    <form className="typed-range" onSubmit={submit} noValidate>
      <Field label="from" value={from} wrong={wrong} set={(value) => setTyped([value, to])} />
      <Field label="to step" value={to} wrong={wrong} set={(value) => setTyped([from, value])} />
      <button type="submit" disabled={typed === null || wrong}>
        Show
      </button>
      {wrong && (
        <span className="field-problem" role="status">
          from a lower step to a higher one, between {extent[0]} and {extent[1]}
        </span>
      )}
    </form>
  );
}

interface FieldProps {
  label: string;
  value: string;
  wrong: boolean;
  set: (value: string) => void;
}

const Field = ({ label, value, wrong, set }: FieldProps) => (
  <label>
    {label}
    <input
      type="number"
      step={1}
      min={0}
      value={value}
      aria-invalid={wrong || undefined}
      onChange={(event) => set(event.target.value)}
    />
  </label>
);
