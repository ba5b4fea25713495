// What can be done to a job: each button is there only while the service would do it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Link, useLocation } from "wouter";
import { post, remove } from "../api/http";
import { jobQuery } from "../api/queries";
import type { Job } from "../api/types";
import { feed } from "../jobs/feed";
import { title } from "../ui/format";
import { freshKey } from "../ui/key";
import { Dialog, Problem } from "../ui/parts";
import { type Action, allowed } from "./allowed";
import { useCheckpoints } from "../panels/useCheckpoints";

type Asked = Exclude<Action, "fork">;

const VERBS: Record<Asked, string> = {
  pause: "Pause",
  resume: "Resume",
  cancel: "Cancel",
  retry: "Try again",
  delete: "Delete",
};

export function Actions({ job }: { job: Job }) {
  const { data: checkpoints } = useCheckpoints(job);
  const [confirming, setConfirming] = useState<"cancel" | "delete" | null>(null);
  const { ask, asked, error } = useAsk(job);
  const may = allowed(job, Boolean(checkpoints?.length));
  const button = (action: Asked, className = "") =>
    may[action] && (
      <button
        type="button"
        className={className}
        disabled={asked !== null}
        aria-busy={asked === action}
        onClick={() => (action === "cancel" || action === "delete" ? setConfirming(action) : ask(action))}
      >
        {asked === action ? "Asking …" : VERBS[action]}
        {(action === "cancel" || action === "delete") && " …"}
      </button>
    );
  return (
    <div className="job-actions">
      <div className="actions">
        {button("resume", "primary")}
        {button("pause")}
        {button("retry", "primary")}
        {may.fork && (
          <Link href={`/jobs/${job.id}/fork`} className="button">
            Fork
          </Link>
        )}
        {button("cancel", "danger")}
        {button("delete", "danger")}
      </div>
      {error && <Problem error={error} />}
      {confirming && may[confirming] && (
        <Confirm job={job} action={confirming} close={() => setConfirming(null)} go={() => ask(confirming)} />
      )}
    </div>
  );
}

/** Asks the service; what it answers is shown at once, and the stream brings the rest. */
function useAsk(job: Job) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const key = useRef(freshKey());
  const { mutate, isPending, variables, error } = useMutation({
    mutationFn: async (action: Asked): Promise<Job | null> => {
      if (action === "delete") {
        await remove(`/v1/jobs/${job.id}`);
        return null;
      }
      return post<Job>(`/v1/jobs/${job.id}/${action}`, undefined, action === "retry" ? key.current : undefined);
    },
    onSuccess: (answer, action) => {
      if (answer === null) {
        feed.forget(job.id);
        navigate("/");
      } else client.setQueryData(jobQuery(answer.id).queryKey, answer);
      if (action === "retry" && answer) navigate(`/jobs/${answer.id}`);
      key.current = freshKey();
    },
    // The job may have gone on meanwhile: what is shown of it is asked for again.
    onError: () => void client.invalidateQueries({ queryKey: ["job", job.id] }),
  });
  return { ask: mutate, asked: isPending ? (variables ?? null) : null, error };
}

const CONSEQUENCES = {
  cancel: "It stops for good where it is. What it has recorded stays. To go on later, pause it instead.",
  delete: "Its metrics, samples, evaluations, events, logs and checkpoints go with it. There is no way back.",
};

function Confirm({
  job,
  action,
  close,
  go,
}: {
  job: Job;
  action: "cancel" | "delete";
  close: () => void;
  go: () => void;
}) {
  return (
    <Dialog title={`${VERBS[action]} ${title(job)}?`} close={close}>
      <div className="confirm">
        <p>{CONSEQUENCES[action]}</p>
        <form method="dialog" className="actions" onSubmit={go}>
          <button type="submit" className="danger">
            {action === "cancel" ? "Cancel the job" : "Delete the job"}
          </button>
          <button type="button" onClick={(event) => event.currentTarget.closest("dialog")?.close()}>
            Keep it
          </button>
        </form>
      </div>
    </Dialog>
  );
}
