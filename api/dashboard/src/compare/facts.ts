// What one wants to know of several jobs before their specs: how they stand, and what their generators are worth.

import type { Catalogue, Job, Number_ } from "../api/types";
import { count, duration, number, words } from "../ui/format";
import { best } from "./choice";

export interface Fact {
  name: string;
  /** What the name means. */
  description?: string;
  values: { text: string; note?: string; best: boolean }[];
}

const plain = (name: string, jobs: readonly Job[], value: (job: Job) => string, note?: (job: Job) => string): Fact => ({
  name,
  values: jobs.map((job) => ({ text: value(job), note: note?.(job), best: false })),
});

function loss(name: "d_loss" | "g_loss", label: string, jobs: readonly Job[]): Fact {
  const even = (job: Job) => {
    const at = job.equilibrium[name];
    return at === null ? "no equilibrium" : `equilibrium ${number(at)}`;
  };
  return plain(label, jobs, (job) => number(job.latest_metrics?.[name]), even);
}

/** Steps, losses, speed and time. */
export const standing = (jobs: readonly Job[]): Fact[] => [
  plain("Steps", jobs, ({ step, steps }) => `${count(step)} of ${count(steps)}`),
  loss("d_loss", "Discriminator loss", jobs),
  loss("g_loss", "Generator loss", jobs),
  // Of a job that is not trained just now none is known.
  ...(jobs.some((job) => job.steps_per_second !== null)
    ? [plain("Steps a second", jobs, ({ steps_per_second }) => number(steps_per_second, 3))]
    : []),
  plain("Training time", jobs, ({ training_seconds }) => duration(training_seconds)),
];

/** The newest evaluation of each, the best value of each row marked where one is better than another. */
export function evaluated(jobs: readonly Job[], catalogue: Catalogue | undefined): Fact[] {
  const values = jobs.map((job) => job.latest_evaluation?.values ?? {});
  const names = [...new Set(values.flatMap((each) => Object.keys(each)))];
  if (names.length === 0) return [];
  const at = ({ latest_evaluation }: Job) => (latest_evaluation ? `step ${count(latest_evaluation.step)}` : "–");
  return [plain("Evaluated at", jobs, at), ...names.map((name) => evaluation(name, values, catalogue))];
}

function evaluation(name: string, values: Record<string, Number_>[], catalogue: Catalogue | undefined): Fact {
  const facts = catalogue?.evaluations.find((each) => each.name === name);
  const held = values.map((each) => each[name]);
  const marks = best(held, facts?.better);
  const better = facts?.better ? ` ${facts.better === "higher" ? "Higher" : "Lower"} is better.` : "";
  return {
    name: words(name),
    description: facts && `${facts.description} In ${facts.unit}.${better}`,
    values: held.map((value, index) => ({ text: number(value), best: marks[index] ?? false })),
  };
}
