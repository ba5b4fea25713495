// How values are written, alike in every view.

import type { Number_ } from "../api/types";

const whole = new Intl.NumberFormat("en-GB");

/** A count with separators: 12,345. */
export const count = (value: number): string => whole.format(value);

/** A metric's value with four digits, as people read it; a dash where there is none. */
export function number(value: Number_ | undefined, digits = 4): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value === "NaN" ? "NaN" : value.replace("Infinity", "∞");
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(digits - 2) : String(Number(value.toPrecision(digits)));
}

export const percent = (share: number): string => `${Math.floor(100 * share)} %`;

/** 4 s, 3:20, 1:02:03. */
export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const all = Math.max(0, Math.floor(seconds));
  if (all < 60) return `${all} s`;
  const pad = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

/** How long ago a time was, in its largest unit. */
export function age(time: string | null, now = Date.now()): string {
  if (time === null) return "–";
  const seconds = Math.max(0, Math.floor((now - Date.parse(time)) / 1000));
  for (const [unit, length] of [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
  ] as const)
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  return `${seconds} s ago`;
}

// Made once: to make one takes longer than all that it writes.
const clocks = new Intl.DateTimeFormat("en-GB", {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
export const clock = (time: string): string => clocks.format(new Date(time));

/** 1.4 GB. */
export function bytes(size: number | null): string {
  if (size === null) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  return `${Number((size / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

/** A name of the API as words: mode_collapse becomes mode collapse. */
export const words = (name: string): string => name.replaceAll("_", " ");

/** What a job is called. */
export const title = (job: { id: string; name: string | null }): string => job.name ?? short(job.id);

/** The part of an id that people tell jobs apart by. */
export const short = (id: string): string => `job …${id.slice(-6)}`;
