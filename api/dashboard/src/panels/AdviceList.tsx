// What to change about a job, the most promising first.

import { Link } from "wouter";
import type { Advice, Job } from "../api/types";
import { written } from "../compare/diff";
import { count } from "../ui/format";
import { valueAt } from "./health";
import { useCheckpoints } from "./useCheckpoints";

export function AdviceList({ job, advice, canFork }: { job: Job; advice: Advice[]; canFork: boolean }) {
  const { data: checkpoints } = useCheckpoints(job);
  if (!advice.length) return null;
  return (
    <section aria-label="Advice">
      <h3>What to change</h3>
      <ol className="advice">
        {advice.map((each) => (
          <li key={`${each.field} ${each.text}`}>
            <p>
              <code>{each.field}</code> <Now job={job} field={each.field} />
            </p>
            <p>{each.text}</p>
            <p className="muted small">
              {each.source}
              {canFork && Boolean(checkpoints?.length) && (
                <>
                  {" · "}
                  <Link href={`/jobs/${job.id}/fork?field=${encodeURIComponent(each.field)}`}>
                    Fork and change this<span className="sr-only"> ({each.field})</span>
                  </Link>
                </>
              )}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** What the field is now, where that is short. */
function Now({ job, field }: { job: Job; field: string }) {
  const value = valueAt(job.spec, field);
  if (value == null || typeof value === "object") return null;
  return <span className="muted">now {Number.isInteger(value) ? count(Number(value)) : written(value)}</span>;
}
