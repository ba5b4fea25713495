// Lines of a log: which are shown, and how what comes with one is written.

import type { Json, LogLine } from "../api/types";

export const LEVELS = ["debug", "info", "warning", "error"] as const;

/** The lines at least as grave as `level` that hold `text` in their message or in what comes with it. */
export function matching(lines: readonly LogLine[], level: string, text: string): LogLine[] {
  const least = LEVELS.indexOf(level as (typeof LEVELS)[number]);
  const wanted = text.trim().toLowerCase();
  return lines.filter((line) => {
    const grave = LEVELS.indexOf(line.level as (typeof LEVELS)[number]);
    if (grave >= 0 && grave < least) return false;
    return !wanted || `${line.message} ${pairs(line.data)}`.toLowerCase().includes(wanted);
  });
}

/** name=value, as logs are written. */
export function pairs(data: Record<string, Json>): string {
  return Object.entries(data)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(" ");
}
