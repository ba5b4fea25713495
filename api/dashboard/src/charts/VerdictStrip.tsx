// How the game stood over the steps: a verdict to each stretch, which can be gone to.

import { type FocusEvent, type KeyboardEvent, useState } from "react";
import { rangeView } from "../curves/range";
import type { Judged } from "../curves/verdicts";
import { usePlace } from "../job/context";
import { count, words } from "../ui/format";
import { MARKS } from "../ui/parts";
import { stretch } from "./Plot";
import { useShared } from "./shared";

/** One stop of the tab key, the newest verdict unless another was gone to; arrow keys go from one to the next. */
export function VerdictStrip() {
  const { intervals, range } = useShared();
  const { cursor } = usePlace();
  const [last, setLast] = useState<number | null>(null);
  const seen = intervals.filter(({ first, to_step }) => to_step >= range[0] && first <= range[1]);
  const stop = seen.find(({ first }) => first === last) ?? seen.at(-1);
  const focus = (event: FocusEvent, { first, from_step }: Judged) => {
    setLast(first);
    // Who points at a verdict looks at its steps by zooming there.
    if (event.currentTarget.matches(":focus-visible")) cursor.set(from_step);
  };
  // The samples go on where they were.
  const leave = (event: FocusEvent) => !event.currentTarget.contains(event.relatedTarget) && cursor.set(null);
  return (
    <div className="verdict-strip" role="group" aria-label="Verdicts over the steps" onBlur={leave} onKeyDown={step}>
      {seen.map((each) => (
        <Stretch key={each.first} judged={each} isStop={each === stop} focus={(event) => focus(event, each)} />
      ))}
      {seen.length === 0 && <span className="muted">No verdict yet on these steps</span>}
    </div>
  );
}

function Stretch(props: { judged: Judged; isStop: boolean; focus: (event: FocusEvent) => void }) {
  const { first, to_step, verdict, severity, sentence } = props.judged;
  const { range, extent, show } = useShared();
  const name = `${words(verdict)} (${severity}), steps ${count(first)} to ${count(to_step)}`;
  const room = Math.max(1, 0.15 * (to_step - first));
  return (
    <button
      type="button"
      tabIndex={props.isStop ? 0 : -1}
      data-severity={severity}
      style={stretch([first, to_step + 1], range)}
      title={`${name}. ${sentence}`}
      aria-label={`${name}. Zoom there`}
      onClick={() => show(rangeView([first - room, to_step + room], extent))}
      onFocus={props.focus}
    >
      <span aria-hidden="true">{MARKS[severity]}</span>
      <span>{words(verdict)}</span>
    </button>
  );
}

function step(event: KeyboardEvent<HTMLElement>): void {
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const at = buttons.findIndex((each) => each === document.activeElement);
  const ends = { Home: 0, End: buttons.length - 1 };
  const next = { ArrowLeft: Math.max(0, at - 1), ArrowRight: at + 1, ...ends }[event.key];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  // The charts move by the same keys.
  event.stopPropagation();
  buttons[next]?.focus();
}
