// What can be asked of a job in the state that it is in: as models/actions.py has it.

import { FINAL, type Job, type Status } from "../api/types";

export type Action = "pause" | "resume" | "cancel" | "retry" | "fork" | "delete";

const STATES: Record<Exclude<Action, "retry" | "fork">, readonly Status[]> = {
  pause: ["queued", "running"],
  resume: ["paused"],
  cancel: ["queued", "running", "pausing", "paused"],
  delete: FINAL,
};

/** The actions that mean something now. A fork has no beginning of its own to be tried again from. */
export function allowed(job: Pick<Job, "status" | "start_step">, hasCheckpoints: boolean): Record<Action, boolean> {
  const within = (action: keyof typeof STATES) => STATES[action].includes(job.status);
  return {
    pause: within("pause"),
    resume: within("resume"),
    cancel: within("cancel"),
    retry: (job.status === "failed" || job.status === "cancelled") && job.start_step === 0,
    fork: hasCheckpoints,
    delete: within("delete"),
  };
}
