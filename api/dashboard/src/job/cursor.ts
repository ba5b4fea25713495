// The step that is looked at: pointing at it in one chart shows it in all, and in the samples.

import { useSyncExternalStore } from "react";

export class Cursor {
  /** The step under the pointer, or the one that the timeline was moved to; null for the newest. */
  step: number | null = null;
  private readonly watchers = new Set<() => void>();

  readonly set = (step: number | null): void => {
    if (step === this.step) return;
    this.step = step;
    for (const watcher of this.watchers) watcher();
  };

  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
}

export const useCursor = (cursor: Cursor): number | null => useSyncExternalStore(cursor.watch, () => cursor.step);
