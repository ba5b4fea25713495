// What the API answers with: docs/ and /openapi.json say what each field means.

export type Status = "queued" | "running" | "pausing" | "paused" | "cancelling" | "cancelled" | "succeeded" | "failed";
export const FINAL: readonly Status[] = ["succeeded", "failed", "cancelled"];
export type Severity = "ok" | "caution" | "alarm";
/** JSON has no NaN and no infinity. */
export type Number_ = number | "NaN" | "Infinity" | "-Infinity" | null;
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Spec = { [key: string]: Json };

export interface Page<Item> {
  object: "list";
  data: Item[];
  has_more: boolean;
}

export interface Equilibrium {
  d_loss: number | null;
  g_loss: number | null;
  total_loss: number | null;
}

export interface Origin {
  kind: "fork" | "retry";
  job_id: string;
  step: number | null;
}

interface JobCore {
  id: string;
  name: string | null;
  status: Status;
  status_reason: string | null;
  verdict: string | null;
  severity: Severity | null;
  step: number;
  steps: number;
  progress: number;
  start_step: number;
  steps_per_second: number | null;
  estimated_seconds_left: number | null;
  metadata: Record<string, string>;
  equilibrium: Equilibrium;
  priority: number;
  attempt: number;
  worker_id: string | null;
  rollbacks: number;
  origin: Origin | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface JobSummary extends JobCore {
  dataset: string;
  loss: string;
  d_loss: Number_;
  g_loss: Number_;
  /** The step of the newest sample image. */
  newest_sample: number | null;
  changed_at: string | null;
}

export interface SummaryPage extends Page<JobSummary> {
  now: string;
}

export interface Evaluation {
  step: number;
  values: Record<string, Number_>;
  created_at?: string;
}

export interface Job extends JobCore {
  spec: Spec;
  training_seconds: number;
  error: { kind: string; message: string; step: number | null } | null;
  queue_position: number | null;
  latest_metrics: ({ step: number } & Record<string, Number_>) | null;
  latest_evaluation: Evaluation | null;
}

/** A metric in each bucket; null where nothing in it was finite. */
export interface MetricSummaries {
  min: (number | null)[];
  max: (number | null)[];
  mean: (number | null)[];
  last: Number_[];
  non_finite: number[];
}

export interface MetricBuckets {
  object: "metric_buckets";
  job_id: string;
  segment: number;
  bucket_steps: number;
  first_step: number[];
  last_step: number[];
  count: number[];
  columns: Record<string, MetricSummaries | null>;
  next_step: number;
}

/** Rows as the stream sends them: `step` and the metrics asked for. */
export interface StreamedRows {
  segment: number;
  columns: { step: number[] } & Record<string, Number_[]>;
}

export interface Sample {
  step: number;
  width: number;
  height: number;
  url: string;
}

export interface SampleSteps {
  job_id: string;
  segment: number;
  steps: number[];
  width: number | null;
  height: number | null;
}

export interface Evidence {
  signal: string;
  value: number | null;
  threshold: number | null;
  reference: number | null;
  first_step: number;
  last_step: number;
}

export interface Advice {
  field: string;
  text: string;
  source: string;
}

export interface Health {
  job_id: string;
  segment: number;
  step: number;
  verdict: string;
  severity: Severity;
  confidence: number;
  since_step: number;
  sentence: string;
  evidence: Evidence[];
  advice: Advice[];
}

export interface HealthInterval {
  from_step: number;
  to_step: number;
  verdict: string;
  severity: Severity;
  confidence: number;
  sentence: string;
  segment: number;
}

/** A stretch of steps that a job has gone back from. */
export interface Segment {
  number: number;
  after_step: number;
  last_step: number;
  verdict: string;
  report: Health;
  remedy_text: string;
  spec_patch: Record<string, Json>;
  created_at: string;
}

export interface JobEvent {
  id: number;
  kind: string;
  level: string;
  message: string;
  data: Record<string, Json>;
  created_at: string;
}

export interface LogLine {
  id: number;
  attempt: number;
  level: string;
  message: string;
  data: Record<string, Json>;
  created_at: string;
}

export interface Checkpoint {
  step: number;
  attempt: number;
  created_at: string;
  best: { metric: string; value: Number_ } | null;
  files: { name: string; size: number; sha256: string; url: string }[];
}

export interface Device {
  kind: string;
  index?: number | null;
  name: string | null;
  memory_bytes: number | null;
  memory_used_bytes: number | null;
  utilization_percent: number | null;
  cores?: number | null;
}

export interface Worker {
  id: string;
  hostname: string;
  pid: number;
  slots: number;
  status: string;
  devices: Device[];
  versions: Record<string, string>;
  started_at: string;
  seen_at: string;
  jobs: string[];
  steps_per_second?: number | null;
}

export interface MetricFacts {
  name: string;
  unit: string;
  description: string;
  lowest: number | null;
  highest: number | null;
  always_shown: boolean;
}

export interface LossFacts {
  description: string;
  discriminator_equilibrium: number | null;
  generator_equilibrium: number | null;
  total_loss_equilibrium: number | null;
  logit_is_probability: boolean;
  logit_boundary: number | null;
  source: string;
}

export interface Catalogue {
  losses: Record<string, LossFacts>;
  datasets: Record<string, { is_image: boolean; shape: number[] | null; size: number | null; source: string }>;
  metrics: MetricFacts[];
  evaluations: { name: string; unit: string; description: string; better: "higher" | "lower" | null }[];
  verdicts: Record<string, { severity: Severity; description: string }>;
}

export interface ProblemField {
  field: string;
  in: string;
  message: string;
  code: string;
  limit?: Json;
}

/** An error of the API (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors?: ProblemField[];
}
