// What all charts of a job share: the steps looked at, and what can be done to them.

import { createContext, useContext, useSyncExternalStore } from "react";
import type { MetricBuckets } from "../api/types";
import type { Range, View } from "../curves/range";
import { bucketAt } from "../curves/reading";
import type { Judged } from "../curves/verdicts";
import { usePlace } from "../job/context";
import { useCursor } from "../job/cursor";
import type { Settings } from "./settings";
import type { Colours } from "./theme";

/** A value that parts of the page watch, so that the others need not be drawn anew with it. */
export class Watched<Value> {
  value: Value;
  private readonly watchers = new Set<() => void>();

  constructor(value: Value) {
    this.value = value;
  }

  readonly set = (value: Value): void => {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const watcher of this.watchers) watcher();
  };

  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };
}

export const useWatched = <Value>(watched: Watched<Value>): Value =>
  useSyncExternalStore(watched.watch, () => watched.value);

export interface Shared {
  /** Whether there is anything to draw yet; until then the charts only have their places. */
  known: boolean;
  /** What is drawn, and all that is recorded. */
  curve: MetricBuckets;
  whole: MetricBuckets;
  extent: Range;
  range: Range;
  view: View;
  show: (view: View) => void;
  intervals: readonly Judged[];
  /** The range that is being dragged over. */
  selection: Watched<Range | null>;
  settings: Settings;
  colours: Colours;
}

export const SharedContext = createContext<Shared | null>(null);

export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (shared === null) throw new Error("these charts share nothing");
  return shared;
}

/** The step that is looked at, or else the last one shown, and its bucket: of the whole curve where it is not among those
 * drawn. `chosen` is null where nobody looks at one. */
export function useLook(): { chosen: number | null; curve: MetricBuckets; at: number } {
  const { curve, whole, range } = useShared();
  const chosen = useCursor(usePlace().cursor);
  const among = chosen === null || (chosen >= range[0] && chosen <= range[1]);
  const of = among ? curve : whole;
  return { chosen, curve: of, at: bucketAt(of, chosen ?? range[1]) };
}
