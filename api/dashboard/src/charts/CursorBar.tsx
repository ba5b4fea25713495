// What is looked at, in words: the step, what a point stands for, the verdict there, and whether news arrive.

import type { Connection } from "../api/stream";
import { stepsInWords, widthInWords } from "../curves/reading";
import { useConnection, useJobShown } from "../job/context";
import { VerdictBadge } from "../ui/parts";
import { useLook, useShared } from "./shared";

const CONNECTIONS: Record<Connection, string> = {
  connecting: "connecting …",
  live: "live",
  lost: "connection lost, trying again …",
  ended: "ended: all is shown",
};

export function CursorBar({ coming }: { coming: boolean }) {
  const { known, curve: drawn, intervals, range, extent } = useShared();
  const { job, segment } = useJobShown();
  const { chosen, curve, at } = useLook();
  const shown = chosen ?? range[1];
  const verdict = intervals.findLast(({ first, to_step }) => first <= shown && shown <= to_step);
  return (
    <div className="cursor-bar">
      <b>{at < 0 ? (known ? waiting(job.status) : "loading …") : stepsInWords(curve, at)}</b>
      {chosen === null && at >= 0 && (
        <span className="muted">({range[1] < extent[1] || segment !== null ? "last shown" : "newest"})</span>
      )}
      {verdict && <VerdictBadge verdict={verdict.verdict} severity={verdict.severity} />}
      <span className="cursor-width" role="status" aria-label="What a point stands for">
        {coming ? "asking for these steps …" : at >= 0 && widthInWords(drawn)}
      </span>
      {segment === null && <Live />}
    </div>
  );
}

const waiting = (status: string) =>
  status === "queued" ? "The curves begin when a worker has taken the job up" : "No step has been recorded yet";

function Live() {
  const connection = useConnection(useJobShown().stream);
  return (
    <span className="charts-connection" data-connection={connection} role="status" aria-label="Connection">
      <i aria-hidden="true" /> {CONNECTIONS[connection]}
    </span>
  );
}
