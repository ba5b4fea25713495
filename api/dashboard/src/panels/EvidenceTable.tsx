// What a verdict rests on.

import type { Evidence } from "../api/types";
import { count, number, words } from "../ui/format";
import { meaningOf } from "./signals";

export function EvidenceTable({ evidence }: { evidence: Evidence[] }) {
  if (!evidence.length) return null;
  const hasReference = evidence.some(({ reference }) => reference !== null);
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Evidence">
      <table className="evidence">
        <caption className="sr-only">What the verdict rests on</caption>
        <thead>
          <tr>
            <th scope="col">Signal</th>
            <th scope="col" className="number">
              Value
            </th>
            <th scope="col" className="number">
              Threshold
            </th>
            {hasReference && (
              <th scope="col" className="number">
                Reference
              </th>
            )}
            <th scope="col" className="number">
              Steps
            </th>
          </tr>
        </thead>
        <tbody>
          {evidence.map((each) => (
            <Row key={each.signal} evidence={each} hasReference={hasReference} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Row = ({ evidence: each, hasReference }: { evidence: Evidence; hasReference: boolean }) => (
  <tr>
    <th scope="row" title={meaningOf(each.signal)}>
      {words(each.signal)}
    </th>
    <td className="number">{number(each.value)}</td>
    <td className="number">{number(each.threshold)}</td>
    {hasReference && <td className="number">{number(each.reference)}</td>}
    <td className="number">
      {count(each.first_step)}–{count(each.last_step)}
    </td>
  </tr>
);
