// What a fork may change: all but what the networks of the checkpoint are (models/actions.py).

import type { ProblemField, Spec } from "../api/types";

// Fields of a network that say how and when it is trained, and nothing of what it is.
const TRAINING = ["optimizer", "pretrain_after", "pretrain_steps", "frozen"];

export function isFixedInFork(path: readonly (string | number)[]): boolean {
  const [first, second] = path;
  if (first === "pack") return true;
  if (first === "conditional") return path.length === 1 || second === "kind";
  if (first !== "generator" && first !== "discriminator") return false;
  return path.length === 1 ? false : !TRAINING.includes(String(second));
}

/** How long the fork is to be: as long as the job, or as long again where the checkpoint is at its end. */
export function stepsAfter(base: Spec, step: number): number {
  const steps = typeof base.steps === "number" ? base.steps : 0;
  return steps > step ? steps : step + Math.max(1, steps);
}

/** What is wrong with a fork that ends before it begins, in the words that the service has for it. */
export function tooShortFor(spec: Spec, step: number): ProblemField[] {
  if (typeof spec.steps !== "number" || spec.steps > step) return [];
  const message = `must be more than ${step}, the checkpoint's step`;
  return [{ field: "steps", in: "body", message, code: "not_forkable" }];
}
