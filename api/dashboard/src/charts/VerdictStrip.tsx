// How the game stood over the steps: a verdict to each stretch, which can be gone to.

import { rangeView } from "../curves/range";
import { useJobShown } from "../job/context";
import { count, words } from "../ui/format";
import { stretch } from "./Plot";
import { useShared } from "./shared";

const MARKS = { ok: "●", caution: "▲", alarm: "■" } as const;

export function VerdictStrip() {
  const { intervals, range, extent, show } = useShared();
  const { cursor } = useJobShown();
  const seen = intervals.filter(({ first, to_step }) => to_step >= range[0] && first <= range[1]);
  return (
    <div className="verdict-strip" role="group" aria-label="Verdicts over the steps">
      {seen.map(({ first, from_step, to_step, verdict, severity, sentence }) => {
        const name = `${words(verdict)} (${severity}), steps ${count(from_step)} to ${count(to_step)}`;
        const room = Math.max(1, 0.15 * (to_step - first));
        return (
          <button
            key={from_step}
            type="button"
            data-severity={severity}
            style={stretch([first, to_step + 1], range)}
            title={`${name}. ${sentence}`}
            aria-label={`${name}. Zoom there`}
            onClick={() => show(rangeView([first - room, to_step + room], extent))}
            onFocus={() => cursor.set(from_step)}
          >
            <span aria-hidden="true">{MARKS[severity]}</span>
            <span>{words(verdict)}</span>
          </button>
        );
      })}
      {seen.length === 0 && <span className="muted">No verdict yet on these steps</span>}
    </div>
  );
}
