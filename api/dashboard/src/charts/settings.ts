// How curves are drawn, as the person at this browser wants it.

import { useState } from "react";

export interface Settings {
  /** Losses on a logarithmic axis. */
  log: boolean;
  /** Weight of the moving average, 0 (none) to 0.99. */
  smoothing: number;
  /** Least and greatest value around the mean. */
  bands: boolean;
  /** Logits also where they are probabilities. */
  logits: boolean;
  /** Whether the axis leaves out what is far beyond the rest: marked at its edge then. */
  cut: boolean;
  /** The sum of the losses, where it is recorded. */
  total: boolean;
}

const KEY = "ganjobs.charts";
const PLAIN: Settings = { log: false, smoothing: 0, bands: true, cut: true, logits: false, total: false };

/** The settings that `text` holds, as far as it holds any. */
export function settingsOf(text: string | null): Settings {
  const found = { ...PLAIN };
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? "{}");
  } catch {
    return found; // somebody else's, perhaps
  }
  if (typeof kept !== "object" || kept === null) return found;
  const values = kept as Record<string, unknown>;
  for (const name of ["log", "bands", "cut", "logits", "total"] as const)
    if (typeof values[name] === "boolean") found[name] = values[name];
  const { smoothing } = values;
  if (typeof smoothing === "number" && smoothing >= 0 && smoothing <= 0.99) found.smoothing = smoothing;
  return found;
}

function kept(): Settings {
  try {
    return settingsOf(localStorage.getItem(KEY));
  } catch {
    return PLAIN; // the browser keeps nothing
  }
}

export function useSettings(): [Settings, (change: Partial<Settings>) => void] {
  const [settings, setSettings] = useState(kept);
  const change = (changes: Partial<Settings>) => {
    const next = { ...settings, ...changes };
    setSettings(next);
    try {
      localStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      // It holds until the page is left.
    }
  };
  return [settings, change];
}
