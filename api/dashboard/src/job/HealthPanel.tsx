// How the game stands, on what evidence, and what to do about it; and how it stood at the step looked at.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { catalogueQuery, healthQuery, intervalsQuery } from "../api/queries";
import type { Health, HealthInterval } from "../api/types";
import { AdviceList } from "../panels/AdviceList";
import { EvidenceTable } from "../panels/EvidenceTable";
import { confidenceWord, standingAt } from "../panels/health";
import { Intervals } from "../panels/Intervals";
import { count, percent, words } from "../ui/format";
import { Empty, Panel, Problem, VerdictBadge } from "../ui/parts";
import { useJobShown } from "./context";
import { useCursor } from "./cursor";

export function HealthPanel() {
  const { job, segment } = useJobShown();
  const { data: health, error, refetch } = useQuery(healthQuery(job.id, segment));
  const { data: intervals } = useQuery(intervalsQuery(job.id, segment));
  return (
    <Panel title="Health" className="health">
      {error && !health ? (
        <Problem error={error} retry={() => void refetch()} />
      ) : health ? (
        <div className="panel-body">
          <Standing health={health} />
          <ThenStanding intervals={intervals ?? []} newest={health.step} />
          <AdviceList job={job} advice={health.advice} canFork={segment === null} />
          <EvidenceTable evidence={health.evidence} />
          <Intervals intervals={intervals ?? []} />
          <Meanings />
        </div>
      ) : (
        <Empty>Loading …</Empty>
      )}
    </Panel>
  );
}

function Standing({ health }: { health: Health }) {
  // What is said of a job before it is assessed comes without evidence.
  const isAssessed = health.evidence.length > 0 || health.confidence > 0;
  return (
    <div className="standing" data-severity={health.severity}>
      <p className="standing-verdict">
        <VerdictBadge verdict={health.verdict} severity={health.severity} />
        {isAssessed && (
          <span className="muted">
            {confidenceWord(health.confidence)} ({percent(health.confidence)}), since step {count(health.since_step)},
            by step {count(health.step)}
          </span>
        )}
      </p>
      <p>{health.sentence}</p>
      {isAssessed && health.severity === "ok" && (
        <p className="muted">
          Losses are good evidence of failure and poor evidence of success: look at the samples, and at the evaluations.
        </p>
      )}
    </div>
  );
}

/** How it stood at the step under the cursor. Room is kept for it, so that nothing moves when the pointer does. */
function ThenStanding({ intervals, newest }: { intervals: HealthInterval[]; newest: number }) {
  const { cursor } = useJobShown();
  const step = useCursor(cursor);
  const then = useMemo(() => (step === null ? null : standingAt(intervals, step)), [intervals, step]);
  if (!intervals.length) return null;
  return (
    <p className="then" data-testid="health-then">
      {step === null || step >= newest ? (
        <span className="muted">Point at a step in a chart to read how the game stood then.</span>
      ) : then ? (
        <>
          At step {count(step)}: <VerdictBadge verdict={then.verdict} severity={then.severity} />{" "}
          <span className="muted">{then.sentence}</span>
        </>
      ) : (
        <span className="muted">At step {count(step)} nothing had been assessed.</span>
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
