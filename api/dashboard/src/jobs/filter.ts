// Which jobs are shown, in which order, as the page's address says it: a view can be shared, and Back works.

import type { JobSummary, Severity, Status } from "../api/types";
import { words } from "../ui/format";

/** States as people tell them apart: what is on its way to another state is where it was. */
export const STATES = {
  running: ["running", "pausing", "cancelling"],
  queued: ["queued"],
  paused: ["paused"],
  succeeded: ["succeeded"],
  failed: ["failed"],
  cancelled: ["cancelled"],
} as const satisfies Record<string, readonly Status[]>;
export type State = keyof typeof STATES;
export const SEVERITIES: readonly Severity[] = ["alarm", "caution", "ok"];
export const ORDERS = {
  newest: "Newest first",
  attention: "Needs attention",
  progress: "Progress",
  name: "Name",
} as const;
export type Order = keyof typeof ORDERS;

export interface Filter {
  states: readonly State[];
  severities: readonly Severity[];
  verdict: string;
  text: string;
  order: Order;
}
export const ALL: Filter = { states: [], severities: [], verdict: "", text: "", order: "newest" };

/** What the query of an address asks for; what it says amiss is as if it were not there. */
export function filterOf(search: string): Filter {
  const query = new URLSearchParams(search);
  const listed = <Name extends string>(name: string, known: readonly Name[]) => {
    const given = query.get(name)?.split(",") ?? [];
    return known.filter((each) => given.includes(each));
  };
  const order = query.get("order") ?? "";
  return {
    states: listed("state", Object.keys(STATES) as State[]),
    severities: listed("severity", SEVERITIES),
    verdict: query.get("verdict") ?? "",
    text: query.get("q") ?? "",
    order: Object.hasOwn(ORDERS, order) ? (order as Order) : ALL.order,
  };
}

/** The address of the list with a filter; what is as usual is not said. */
export function addressOf(filter: Filter): string {
  const query = new URLSearchParams();
  if (filter.states.length) query.set("state", filter.states.join(","));
  if (filter.severities.length) query.set("severity", filter.severities.join(","));
  if (filter.verdict) query.set("verdict", filter.verdict);
  if (filter.text) query.set("q", filter.text);
  if (filter.order !== ALL.order) query.set("order", filter.order);
  const written = query.toString().replaceAll("%2C", ",");
  return written ? `/?${written}` : "/";
}

/** Whether a filter leaves any job out. */
export const narrows = (filter: Filter): boolean =>
  filter.states.length + filter.severities.length > 0 || filter.verdict !== "" || filter.text.trim() !== "";

export const stateOf = (job: JobSummary): State =>
  (Object.keys(STATES) as State[]).find((state) => (STATES[state] as readonly Status[]).includes(job.status)) ??
  "running";

type Test = (job: JobSummary) => boolean;
const CRITERIA = ["states", "severities", "verdict", "text"] as const;

function testsOf(filter: Filter): Record<(typeof CRITERIA)[number], Test> {
  const asked = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return {
    states: (job) => filter.states.length === 0 || filter.states.includes(stateOf(job)),
    severities: (job) =>
      filter.severities.length === 0 || (job.severity !== null && filter.severities.includes(job.severity)),
    verdict: (job) => !filter.verdict || job.verdict === filter.verdict,
    text: (job) => {
      if (asked.length === 0) return true;
      const held = textOf(job);
      return asked.every((word) => held.includes(word));
    },
  };
}

/** The jobs that a filter lets through. Every word of its text is to be in a job's name, id, kinds or metadata. */
export function filtered(jobs: Iterable<JobSummary>, filter: Filter): JobSummary[] {
  const tests = Object.values(testsOf(filter));
  return [...jobs].filter((job) => tests.every((test) => test(job)));
}

export interface Counts {
  states: Record<State, number>;
  severities: Record<Severity, number>;
  verdicts: Record<string, number>;
}

/** How many jobs there would be with each choice, all other criteria of the filter kept. */
export function countsOf(jobs: Iterable<JobSummary>, filter: Filter): Counts {
  const states = Object.fromEntries(Object.keys(STATES).map((state) => [state, 0])) as Record<State, number>;
  const counts: Counts = { states, severities: { ok: 0, caution: 0, alarm: 0 }, verdicts: {} };
  const tests = testsOf(filter);
  for (const job of jobs) {
    const fails = CRITERIA.filter((criterion) => !tests[criterion](job));
    const counted = (criterion: (typeof CRITERIA)[number]) => fails.every((failed) => failed === criterion);
    if (counted("states")) counts.states[stateOf(job)] += 1;
    if (counted("severities") && job.severity) counts.severities[job.severity] += 1;
    if (counted("verdict") && job.verdict) counts.verdicts[job.verdict] = (counts.verdicts[job.verdict] ?? 0) + 1;
  }
  return counts;
}

function textOf(job: JobSummary): string {
  const metadata = Object.entries(job.metadata).map(([name, value]) => `${name}=${value}`);
  const kinds = [job.dataset, words(job.dataset), job.loss, words(job.loss)];
  return [job.name ?? "", job.id, ...kinds, ...metadata].join(" ").toLowerCase();
}
