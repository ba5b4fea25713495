// What the views ask for, by name: each is asked once however many of them show it.

import { keepPreviousData, QueryClient, type QueryFunctionContext, queryOptions } from "@tanstack/react-query";
import { ApiError, get, path } from "./http";
import type {
  Catalogue,
  Checkpoint,
  Evaluation,
  Health,
  HealthInterval,
  Job,
  JobEvent,
  LogLine,
  MetricBuckets,
  Page,
  SampleSteps,
  Segment,
  Spec,
  Worker,
} from "./types";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // What the API refuses it refuses again; what cannot be reached comes back.
      retry: (failures, error) =>
        !(error instanceof ApiError && error.status >= 400 && error.status < 500) && failures < 3,
    },
  },
});

const PAGE = 100;

/** All of a list, page by page; `cursor` names what the next page is asked for by. */
async function all<Item>(url: string, cursor: keyof Item, signal?: AbortSignal, after?: string): Promise<Item[]> {
  const found: Item[] = [];
  for (;;) {
    const separator = url.includes("?") ? "&" : "?";
    const page = await get<Page<Item>>(`${url}${separator}${path("", { limit: PAGE, after }).slice(1)}`, signal);
    found.push(...page.data);
    const last = page.data.at(-1);
    if (!page.has_more || last == null) return found;
    after = String(last[cursor]);
  }
}

/** A list that only grows: what is known of it already, and what came since. */
async function grown<Item extends { id: number }>(
  url: string,
  { client, queryKey, signal }: QueryFunctionContext,
): Promise<Item[]> {
  const known = client.getQueryData<Item[]>(queryKey) ?? [];
  const more = await all<Item>(url, "id", signal, known.at(-1)?.id.toString());
  return more.length ? [...known, ...more] : known;
}

const of = (job: string, rest = "") => `/v1/jobs/${encodeURIComponent(job)}${rest}`;

export const catalogueQuery = queryOptions({
  queryKey: ["catalogue"],
  queryFn: ({ signal }) => get<Catalogue>("/v1/catalogue", signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const schemaQuery = queryOptions({
  queryKey: ["schema"],
  queryFn: ({ signal }) => get<Spec>("/v1/spec/schema", signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const jobQuery = (id: string) =>
  queryOptions({ queryKey: ["job", id], queryFn: ({ signal }) => get<Job>(of(id), signal) });

/** A job's curve; without `keys` all that it records. */
export const curveQuery = (
  id: string,
  keys: readonly string[],
  maxPoints: number,
  segment: number | null,
  range?: readonly [number, number],
) =>
  queryOptions({
    queryKey: ["curve", id, keys, maxPoints, segment, range ?? null],
    queryFn: ({ signal }) =>
      get<MetricBuckets>(
        path(of(id, "/metrics"), {
          keys: keys.join(",") || null,
          max_points: maxPoints,
          from_step: range?.[0],
          to_step: range?.[1],
          segment,
        }),
        signal,
      ),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY, // the stream brings what is new
  });

export const curvesQuery = (
  ids: readonly string[],
  keys: readonly string[],
  maxPoints: number,
  range?: readonly [number, number],
) =>
  queryOptions({
    queryKey: ["curves", ids, keys, maxPoints, range ?? null],
    queryFn: ({ signal }) =>
      get<Page<MetricBuckets>>(
        path("/v1/curves", {
          job: ids,
          keys: keys.join(","),
          max_points: maxPoints,
          from_step: range?.[0],
          to_step: range?.[1],
        }),
        signal,
      ),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  });

export const sampleStepsQuery = (id: string, segment: number | null = null) =>
  queryOptions({
    queryKey: ["sample_steps", id, segment],
    queryFn: ({ signal }) => get<SampleSteps>(path(of(id, "/samples/steps"), { segment }), signal),
  });

export const healthQuery = (id: string, segment: number | null = null) =>
  queryOptions({
    queryKey: ["health", id, segment],
    queryFn: ({ signal }) => get<Health>(path(of(id, "/health"), { segment }), signal),
  });

export const intervalsQuery = (id: string, segment: number | null = null) =>
  queryOptions({
    queryKey: ["intervals", id, segment],
    queryFn: ({ signal }) => all<HealthInterval>(path(of(id, "/health/history"), { segment }), "from_step", signal),
  });

export const segmentsQuery = (id: string) =>
  queryOptions({
    queryKey: ["segments", id],
    queryFn: ({ signal }) => all<Segment>(of(id, "/segments"), "number", signal),
  });

export const evaluationsQuery = (id: string) =>
  queryOptions({
    queryKey: ["evaluations", id],
    queryFn: ({ signal }) => all<Evaluation>(of(id, "/evaluations"), "step", signal),
  });

export const eventsQuery = (id: string) =>
  queryOptions({
    queryKey: ["events", id],
    queryFn: (context) => grown<JobEvent>(of(id, "/events"), context),
  });

export const logsQuery = (id: string) =>
  queryOptions({ queryKey: ["logs", id], queryFn: (context) => grown<LogLine>(of(id, "/logs"), context) });

export const checkpointsQuery = (id: string) =>
  queryOptions({
    queryKey: ["checkpoints", id],
    queryFn: async ({ signal }) => (await get<Page<Checkpoint>>(of(id, "/checkpoints"), signal)).data,
  });

export const workersQuery = queryOptions({
  queryKey: ["workers"],
  queryFn: async ({ signal }) => (await get<Page<Worker>>("/v1/workers", signal)).data,
  refetchInterval: 5_000,
});

/** Where an image of a job's sample is; scaled down to `side` pixels where that is given. */
export const sampleUrl = (id: string, step: number, segment: number | null = null, side?: number) =>
  path(of(id, `/samples/${step}`), { segment: segment || null, side });
