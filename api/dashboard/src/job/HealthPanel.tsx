// How the game stands, on what evidence, and what to do about it; and how it stood at the step looked at.

import { useQuery } from "@tanstack/react-query";
import { catalogueQuery, healthQuery } from "../api/queries";
import type { Health } from "../api/types";
import { type Judged, verdictAt } from "../curves/verdicts";
import { AdviceList } from "../panels/AdviceList";
import { EvidenceTable } from "../panels/EvidenceTable";
import { confidenceWord, isAssessed } from "../panels/health";
import { Intervals } from "../panels/Intervals";
import { count, percent, words } from "../ui/format";
import { Empty, Panel, Problem, VerdictBadge } from "../ui/parts";
import { useJobShown } from "./context";
import { useCursor } from "./cursor";
import { useVerdicts } from "./useVerdicts";

export function HealthPanel() {
  const { job, segment } = useJobShown();
  const { data: health, error, refetch } = useQuery(healthQuery(job.id, segment));
  const verdicts = useVerdicts();
  return (
    <Panel title="Health" className="health">
      {error && !health ? (
        <Problem error={error} retry={() => void refetch()} />
      ) : health ? (
        <div className="panel-body">
          <Standing health={health} />
          <ThenStanding verdicts={verdicts} />
          <AdviceList job={job} advice={health.advice} canFork={segment === null} />
          <EvidenceTable evidence={health.evidence} />
          <Intervals verdicts={verdicts} />
          <Meanings />
        </div>
      ) : (
        <Empty>Loading …</Empty>
      )}
    </Panel>
  );
}

function Standing({ health }: { health: Health }) {
  // What is said of a job before it is assessed is no verdict.
  if (!isAssessed(health)) return <p className="muted">{health.sentence}</p>;
  return (
    <div className="standing" data-severity={health.severity}>
      <p className="standing-verdict">
        <VerdictBadge verdict={health.verdict} severity={health.severity} />
        <span className="muted">
          {confidenceWord(health.confidence)} ({percent(health.confidence)})
        </span>
      </p>
      <p>{health.sentence}</p>
      <p className="muted small">
        Holds since step {count(health.since_step)}; last assessed at step {count(health.step)}.
      </p>
      {health.severity === "ok" && (
        <p className="muted">
          Losses are good evidence of failure and poor evidence of success: look at the samples, and at the evaluations.
        </p>
      )}
    </div>
  );
}

/** How it stood at the step under the cursor. Room is kept for it, so that nothing moves when the pointer does. */
function ThenStanding({ verdicts }: { verdicts: readonly Judged[] }) {
  const { cursor } = useJobShown();
  const step = useCursor(cursor);
  if (!verdicts.length) return null;
  const then = step === null ? null : verdictAt(verdicts, step);
  return (
    <p className="then" data-testid="health-then">
      {step === null ? (
        <span className="muted">Point at a step in a chart to read how the game stood then.</span>
      ) : then ? (
        <>
          At step {count(step)}: <VerdictBadge verdict={then.verdict} severity={then.severity} />{" "}
          <span className="muted">{then.sentence}</span>
        </>
      ) : (
        <span className="muted">Step {count(step)} has not been assessed yet.</span>
      )}
    </p>
  );
}

function Meanings() {
  const { data: catalogue } = useQuery(catalogueQuery);
  return (
    <details>
      <summary>What the verdicts mean</summary>
      <dl className="meanings">
        {Object.entries(catalogue?.verdicts ?? {}).map(([verdict, { severity, description }]) => (
          <div key={verdict}>
            <dt>
              <VerdictBadge verdict={verdict} severity={severity} />
              <span className="sr-only">{words(severity)}</span>
            </dt>
            <dd>{description}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
