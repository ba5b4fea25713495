// What is known of the step whose sample is shown: its verdict and its evaluation, in words.

import { useQuery } from "@tanstack/react-query";
import { catalogueQuery, evaluationsQuery } from "../api/queries";
import type { Evaluation } from "../api/types";
import { verdictAt } from "../curves/verdicts";
import { useJobShown } from "../job/context";
import { useVerdicts } from "../job/useVerdicts";
import { count, number, words } from "../ui/format";
import { VerdictBadge } from "../ui/parts";
import { atOrBefore } from "./steps";

export function Facts({ step }: { step: number }) {
  const { job, segment } = useJobShown();
  const verdicts = useVerdicts();
  const { data: evaluations } = useQuery(evaluationsQuery(job.id));
  // The newest sample is drawn before the verdict on its step.
  const verdict = verdictAt(verdicts, step) ?? verdicts.at(-1);
  // Evaluations are asked for of the line that the job is on.
  const at = segment === null ? atOrBefore(evaluations?.map((each) => each.step) ?? [], step) : null;
  const evaluation = evaluations?.find((each) => each.step === at);
  return (
    <div className="sample-facts">
      <p>
        <span className="muted">
          {verdict && verdict.to_step < step ? `Verdict at step ${count(verdict.to_step)}` : "Verdict at this step"}
        </span>{" "}
        {verdict ? <VerdictBadge {...verdict} /> : <span className="muted">none</span>}
      </p>
      {evaluation && <Evaluated evaluation={evaluation} step={step} />}
    </div>
  );
}

function Evaluated({ evaluation, step }: { evaluation: Evaluation; step: number }) {
  const { data: catalogue } = useQuery(catalogueQuery);
  const facts = new Map(catalogue?.evaluations.map((each) => [each.name, each]));
  return (
    <details>
      <summary>
        {evaluation.step === step ? "Evaluated at this step" : `Last evaluated at step ${count(evaluation.step)}`}
      </summary>
      <dl>
        {Object.entries(evaluation.values).map(([name, value]) => (
          <div key={name}>
            <dt title={facts.get(name)?.description}>{words(name)}</dt>
            <dd>
              {number(value)} <span className="muted">{facts.get(name)?.unit}</span>
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
