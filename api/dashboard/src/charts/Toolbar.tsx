// Which steps are shown: buttons, and fields to type them.

import { type FormEvent, useEffect, useState } from "react";
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

function Typed({ range, extent, show }: { range: Range; extent: Range; show: (view: View) => void }) {
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [typing, setTyping] = useState(false);
  useEffect(() => {
    if (typing) return;
    setFrom(String(range[0]));
    setTo(String(range[1]));
  }, [typing, range[0], range[1]]);
  const [first, last] = [Number(from), Number(to)];
  const wrong =
    typing &&
    !(Number.isInteger(first) && Number.isInteger(last) && first < last && last >= extent[0] && first <= extent[1]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wrong) return;
    setTyping(false);
    show(rangeView([first, last], extent));
  };
  const field = (label: string, value: string, set: (value: string) => void) => (
    <label>
      {label}
      <input
        type="number"
        step={1}
        min={0}
        value={value}
        aria-invalid={wrong || undefined}
        onChange={(event) => {
          setTyping(true);
          set(event.target.value);
        }}
      />
    </label>
  );
  return (
    <form className="typed-range" onSubmit={submit} noValidate>
      {field("from", from, setFrom)}
      {field("to step", to, setTo)}
      <button type="submit" disabled={!typing || wrong}>
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
