// What a job's generator was worth after the steps at which it was evaluated.

import { useQuery } from "@tanstack/react-query";
import { catalogueQuery, evaluationsQuery } from "../api/queries";
import type { Evaluation, Job } from "../api/types";
import { useJobShown } from "../job/context";
import { count, number, words } from "../ui/format";
import { Empty, Problem } from "../ui/parts";

export function Evaluations({ job }: { job: Job }) {
  const { data: evaluations, error, refetch } = useQuery(evaluationsQuery(job.id));
  const { data: catalogue } = useQuery(catalogueQuery);
  if (error && !evaluations) return <Problem error={error} retry={() => void refetch()} />;
  if (!evaluations) return <Empty>Loading …</Empty>;
  if (!evaluations.length)
    return (
      <Empty>
        {job.spec.evaluate_every === null
          ? "The spec asks for no evaluations (evaluate_every)."
          : "None has been made yet."}
      </Empty>
    );
  const names = [...new Set(evaluations.flatMap(({ values }) => Object.keys(values)))];
  const facts = new Map(catalogue?.evaluations.map((each) => [each.name, each]));
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="Evaluations">
      <table className="evaluations">
        <thead>
          <tr>
            <th scope="col" className="number">
              Step
            </th>
            {names.map((name) => (
              <th key={name} scope="col" className="number" title={facts.get(name)?.description}>
                {words(name)} <Better better={facts.get(name)?.better ?? null} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...evaluations].reverse().map((each) => (
            <Row key={each.step} evaluation={each} names={names} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const Better = ({ better }: { better: "higher" | "lower" | null }) =>
  better && (
    <span title={`${better} is better`}>
      <span aria-hidden="true">{better === "higher" ? "↑" : "↓"}</span>
      <span className="sr-only">({better} is better)</span>
    </span>
  );

function Row({ evaluation, names }: { evaluation: Evaluation; names: string[] }) {
  const { cursor } = useJobShown();
  return (
    <tr>
      <th scope="row" className="number">
        <button type="button" className="quiet" onClick={() => cursor.set(evaluation.step)}>
          <span className="sr-only">Look at step </span>
          {count(evaluation.step)}
        </button>
      </th>
      {names.map((name) => (
        <td key={name} className="number">
          {number(evaluation.values[name])}
        </td>
      ))}
    </tr>
  );
}
