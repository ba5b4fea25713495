// The page's colours for charts, which are drawn on a canvas and know no style sheets.

import { useSyncExternalStore } from "react";
import type { Severity } from "../api/types";

export interface Colours {
  text: string;
  muted: string;
  line: string;
  surface: string;
  discriminator: string;
  generator: string;
  real: string;
  fake: string;
  series: string[];
  severity: Record<Severity, string>;
}

const NAMES = ["text", "muted", "line", "surface", "discriminator", "generator", "real", "fake"] as const;
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const watchers = new Set<() => void>();
let known: Colours | null = null;

function read(): Colours {
  // As a colour in use: the token itself may be one for either theme, which a canvas cannot read.
  const probe = document.documentElement.appendChild(document.createElement("i"));
  const colour = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const plain = Object.fromEntries(NAMES.map((name) => [name, colour(name)])) as Omit<Colours, "series" | "severity">;
  const series = [1, 2, 3, 4, 5, 6, 7, 8].map((index) => colour(`series-${index}`));
  const severity = { ok: colour("ok"), caution: colour("caution"), alarm: colour("alarm") };
  probe.remove();
  return { ...plain, series, severity };
}

function changed(): void {
  known = null;
  for (const watcher of watchers) watcher();
}

dark.addEventListener("change", changed);
new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function colours(): Colours {
  known ??= read();
  return known;
}

/** The colours of the theme that is shown; a new object when it changes. */
export const useColours = (): Colours => useSyncExternalStore(watch, colours);
