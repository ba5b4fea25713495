// The steps that samples were drawn at: which is nearest, what is new, and what an animation of them would hold.

import type { Sample, SampleSteps } from "../api/types";

/** The index of the last of `steps` (in order) at or before `step`; the first where all come later, -1 of none. */
export function indexAt(steps: readonly number[], step: number): number {
  let [low, high] = [0, steps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] as number) <= step) low = middle + 1;
    else high = middle;
  }
  return steps.length ? Math.max(0, low - 1) : -1;
}

/** The last of `steps` (in order) at or before `step`, or null where all come later. */
export function atOrBefore(steps: readonly number[], step: number): number | null {
  const found = steps[indexAt(steps, step)];
  return found !== undefined && found <= step ? found : null;
}

/** `held` with a sample that has just been drawn; one that is there already changes nothing. */
export function withSample(held: SampleSteps, sample: Sample): SampleSteps {
  const index = indexAt(held.steps, sample.step);
  if (held.steps[index] === sample.step) return held;
  const before = held.steps.slice(0, index + 1).filter((step) => step < sample.step);
  const steps = [...before, sample.step, ...held.steps.slice(before.length)];
  return { ...held, steps, width: sample.width, height: sample.height };
}

export interface AnimationForm {
  format: "gif" | "webp" | "apng";
  from: number;
  to: number;
  /** Images at most. */
  frames: number;
  framesPerSecond: number;
  /** Pixels of the longer side at most. */
  side: number;
}

export interface AnimationPlan {
  /** How many samples lie in the range, and how many of them are shown. */
  there: number;
  shown: number;
  seconds: number;
}

/** The API lets the last image stand six times as long. */
const REST_FRAMES = 6;
/** The API's bounds, least and greatest. */
export const LIMITS = { frames: [2, 200], framesPerSecond: [0.5, 30], side: [64, 1024] } as const;

/** What the API would make of `form`, or what is wrong with it in words. */
export function planned(steps: readonly number[], form: AnimationForm): AnimationPlan | string {
  if (!(form.from <= form.to)) return "The first step must not come after the last.";
  for (const [name, label] of [
    ["frames", "The number of images"],
    ["framesPerSecond", "The speed"],
    ["side", "The size"],
  ] as const) {
    const [least, most] = LIMITS[name];
    if (!(form[name] >= least && form[name] <= most)) return `${label} must be from ${least} to ${most}.`;
  }
  const there = steps.filter((step) => step >= form.from && step <= form.to).length;
  if (there === 0) return "No sample was drawn in this range.";
  const shown = Math.min(there, form.frames);
  return { there, shown, seconds: (shown - 1 + REST_FRAMES) / form.framesPerSecond };
}
