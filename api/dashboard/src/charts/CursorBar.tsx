// What is looked at, in words: the step, what a point stands for, the verdict there, and whether news arrive.

import type { Connection } from "../api/stream";
import { FINAL, type Job } from "../api/types";
import { stepsInWords, widthInWords } from "../curves/reading";
import { verdictAt } from "../curves/verdicts";
import { useConnection, useJobPart, usePlace } from "../job/context";
import { VerdictBadge } from "../ui/parts";
import { useLook, useShared } from "./shared";

/** Short, so that the line stays one. Of a job that has ended there is nothing to say. */
const CONNECTIONS: Record<Connection, string> = {
  connecting: "connecting …",
  live: "live",
  paused: "paused",
  lost: "connection lost",
  ended: "",
  deleted: "",
};

export function CursorBar({ coming }: { coming: boolean }) {
  const { known, curve: drawn, intervals, range, extent } = useShared();
  const { segment } = usePlace();
  const { status } = useJobPart(stateOf);
  const { chosen, curve, at } = useLook();
  const shown = chosen ?? range[1];
  const verdict = verdictAt(intervals, shown);
  return (
    <div className="cursor-bar">
      <b>{at < 0 ? (known ? waiting(status) : "loading …") : stepsInWords(curve, at)}</b>
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
  const { stream } = usePlace();
  const { isOver } = useJobPart(stateOf);
  const connection = useConnection(stream);
  const said = isOver ? "" : CONNECTIONS[connection];
  return (
    <span className="charts-connection" data-connection={connection} role="status" aria-label="Connection">
      {said && (
        <>
          <i aria-hidden="true" /> {said}
        </>
      )}
    </span>
  );
}

const stateOf = ({ status }: Job) => ({ status, isOver: FINAL.includes(status) });
