// Requests to the API, and its errors in words.

import type { Problem, ProblemField } from "./types";

/** The API refused, or could not be reached (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly fields: ProblemField[];

  constructor(message: string, status: number, fields: ProblemField[] = []) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.fields = fields;
  }
}

type Query = Record<string, string | number | boolean | null | undefined | readonly string[]>;

/** A path of the API with a query; what is null or undefined is left out, lists are repeated. */
export function path(base: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    if (typeof value === "object") for (const each of value) params.append(name, each);
    else params.append(name, String(value));
  }
  const written = params.toString();
  return written ? `${base}?${written}` : base;
}

/** What GET answers. Throws `ApiError`. */
export function get<Answer>(url: string, signal?: AbortSignal): Promise<Answer> {
  return send<Answer>(url, { signal: signal ?? null });
}

/** What POST answers to JSON. A creation with a `key` is done once however often it is sent. Throws `ApiError`. */
export function post<Answer>(url: string, body?: unknown, key?: string): Promise<Answer> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (key) headers["Idempotency-Key"] = key;
  return send<Answer>(url, { method: "POST", headers, body: body === undefined ? null : JSON.stringify(body) });
}

/** What DELETE answers. Throws `ApiError`. */
export function remove<Answer>(url: string): Promise<Answer> {
  return send<Answer>(url, { method: "DELETE" });
}

async function send<Answer>(url: string, request: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url, { ...request, headers: { Accept: "application/json", ...request.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The service cannot be reached. It is asked again; nothing you see is lost.", 0);
  }
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as Answer;
}

async function problemOf(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Problem;
    return new ApiError(problem.detail || problem.title, response.status, problem.errors ?? []);
  } catch {
    // A proxy's page, perhaps.
    return new ApiError(`The service answered ${response.status} ${response.statusText}.`, response.status);
  }
}
