// What was filled in and not sent yet, for as long as the browser's tab is open.

import type { Spec } from "../api/types";

const KEY = "ganjobs.draft";

export function keptDraft(): Spec | null {
  try {
    const kept = sessionStorage.getItem(KEY);
    const spec: unknown = kept === null ? null : JSON.parse(kept);
    return spec !== null && typeof spec === "object" && !Array.isArray(spec) ? (spec as Spec) : null;
  } catch {
    // No storage here, or not what we wrote: there is no draft then.
    return null;
  }
}

export function keepDraft(spec: Spec | null): void {
  try {
    if (spec === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(spec));
  } catch {
    // Not kept then: it holds until the page is left.
  }
}
