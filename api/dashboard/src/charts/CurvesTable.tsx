// What the charts show as a table of some twenty rows, for who does not see them or wants the numbers.

import { useMemo } from "react";
import { fitted } from "../curves/buckets";
import { readingOf, recorded, since, stepsInWords } from "../curves/reading";
import { number } from "../ui/format";
import { labelOf } from "./figures";
import { useShared } from "./shared";

const ROWS = 20;

export function CurvesTable() {
  const { curve, range } = useShared();
  const rows = useMemo(() => fitted(since(curve, range[0]), ROWS), [curve, range[0]]);
  const names = recorded(rows);
  const shown = rows.first_step.flatMap((first, at) => (first <= range[1] ? [at] : []));
  return (
    <div className="curves-table" tabIndex={0} role="region" aria-label="The curves as a table">
      <table>
        <caption>Mean of each metric, with its least and greatest value where there is more than one step.</caption>
        <thead>
          <tr>
            <th scope="col">Steps</th>
            {names.map((name) => (
              <th key={name} scope="col" className="number">
                {labelOf(name)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((at) => (
            <tr key={rows.first_step[at]}>
              <th scope="row">{stepsInWords(rows, at).replace(/^steps? /, "")}</th>
              {names.map((name) => (
                <Cell key={name} reading={readingOf(rows, name, at)} one={rows.count[at] === 1} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({ reading, one }: { reading: ReturnType<typeof readingOf>; one: boolean }) {
  if (reading === null) return <td className="number">–</td>;
  return (
    <td className="number">
      {number(reading.mean)}
      {!one && reading.min !== null && (
        <small>
          {number(reading.min, 3)} … {number(reading.max, 3)}
        </small>
      )}
      {reading.nonFinite > 0 && <small>{reading.nonFinite} not finite</small>}
    </td>
  );
}
