// The stretches that a job has gone back from: why, and with which remedy it then went on.

import { useQuery } from "@tanstack/react-query";
import { segmentsQuery } from "../api/queries";
import type { Job, Segment } from "../api/types";
import { age, clock, count } from "../ui/format";
import { Empty, Problem, VerdictBadge } from "../ui/parts";
import { DifferenceTable } from "./DifferenceTable";
import { valueAt } from "./health";

export function Segments({ job }: { job: Job }) {
  const { data: segments, error, refetch } = useQuery(segmentsQuery(job.id));
  if (error && !segments) return <Problem error={error} retry={() => void refetch()} />;
  if (!segments) return <Empty>Loading …</Empty>;
  return (
    <ol className="segments">
      {segments.map((each) => (
        <li key={each.number}>
          <Stretch job={job} segment={each} before={segments.filter(({ number }) => number < each.number)} />
        </li>
      ))}
    </ol>
  );
}

function Stretch({ job, segment, before }: { job: Job; segment: Segment; before: Segment[] }) {
  const rows = Object.entries(segment.spec_patch).map(([path, after]) => {
    const earlier = before.findLast(({ spec_patch }) => path in spec_patch);
    return { path, before: earlier ? earlier.spec_patch[path] : valueAt(job.spec, path), after };
  });
  return (
    <>
      <p>
        <strong>
          Steps {count(segment.after_step + 1)}–{count(segment.last_step)}
        </strong>{" "}
        <VerdictBadge verdict={segment.verdict} severity={segment.report.severity} />{" "}
        <time className="muted" dateTime={segment.created_at} title={clock(segment.created_at)}>
          {age(segment.created_at)}
        </time>
      </p>
      <p>{segment.report.sentence}</p>
      <p>
        Back to step {count(segment.after_step)}, and on with: {segment.remedy_text}.
      </p>
      {rows.length > 0 && <DifferenceTable rows={rows} />}
    </>
  );
}
