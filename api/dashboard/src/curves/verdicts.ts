// Over which steps a verdict speaks, and which speaks of a step: alike in the charts, in Health and by the samples.

import type { HealthInterval, Job, Segment } from "../api/types";

/** A verdict with the first step that it speaks of. */
export interface Judged extends HealthInterval {
  first: number;
}

/** An assessment looks back: over the steps since the one before it, and the very first over all since `begin`. */
export function judged(intervals: readonly HealthInterval[], begin: number): Judged[] {
  const sorted = [...intervals].sort((a, b) => a.from_step - b.from_step);
  return sorted.map((each, at) => {
    const before = sorted[at - 1];
    return { ...each, first: before ? Math.min(before.to_step + 1, each.from_step) : Math.min(begin, each.from_step) };
  });
}

/** What was said of a step; null of one that has not been assessed yet. */
export const verdictAt = (verdicts: readonly Judged[], step: number): Judged | null =>
  verdicts.findLast(({ first, to_step }) => first <= step && step <= to_step) ?? null;

/** Where the steps begin that a job's verdicts speak of: of its own line, or of a stretch it has gone back from. */
export function beginOf(
  job: Pick<Job, "start_step">,
  segment: number | null,
  segments: readonly Segment[] = [],
): number {
  if (segment === null) return job.start_step;
  const stretch = segments.find((each) => each.number === segment);
  return stretch ? stretch.after_step + 1 : Number.POSITIVE_INFINITY;
}
