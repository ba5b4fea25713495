// How a job's health went: a step of it is looked at by a click.

import { useState } from "react";
import type { Judged } from "../curves/verdicts";
import { useJobShown } from "../job/context";
import { count } from "../ui/format";
import { VerdictBadge } from "../ui/parts";

const SHOWN = 8;

export function Intervals({ verdicts }: { verdicts: readonly Judged[] }) {
  const { cursor } = useJobShown();
  const [all, setAll] = useState(false);
  if (!verdicts.length) return null;
  const newest = [...verdicts].reverse();
  const shown = all ? newest : newest.slice(0, SHOWN);
  return (
    <section aria-label="History">
      <h3>How it went</h3>
      <ol className="intervals">
        {shown.map((each) => (
          <li key={each.from_step}>
            <button type="button" className="quiet" title={each.sentence} onClick={() => cursor.set(each.from_step)}>
              <VerdictBadge verdict={each.verdict} severity={each.severity} />
              <span className="muted number">
                {each.first === each.to_step
                  ? `step ${count(each.first)}`
                  : `steps ${count(each.first)}–${count(each.to_step)}`}
              </span>
            </button>
          </li>
        ))}
      </ol>
      {newest.length > SHOWN && (
        <button type="button" className="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show all ${count(newest.length)}`}
        </button>
      )}
    </section>
  );
}
