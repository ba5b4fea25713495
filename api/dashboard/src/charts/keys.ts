// The keys that the charts know while they have the focus: the cursor goes from point to point, the range zooms and moves.

import { type KeyboardEvent, useCallback, useRef } from "react";
import { ALL, moved, zoomed } from "../curves/range";
import { bucketAt } from "../curves/reading";
import { usePlace } from "../job/context";
import type { Cursor } from "../job/cursor";
import { type Shared, useShared } from "./shared";

export function useKeys(): (event: KeyboardEvent) => void {
  const shared = useShared();
  const { cursor } = usePlace();
  const now = useRef(shared);
  now.current = shared;
  return useCallback(
    (event) => {
      if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
      const act = actsOf(now.current, cursor)[event.shiftKey ? `Shift ${event.key}` : event.key];
      if (!act) return;
      event.preventDefault();
      act();
    },
    [cursor],
  );
}

function actsOf({ curve, range, extent, show }: Shared, cursor: Cursor): Record<string, () => void> {
  const last = curve.count.length - 1;
  const go = (points: number) => {
    const at = bucketAt(curve, cursor.step ?? range[1]) + points;
    const step = curve.last_step[Math.min(Math.max(at, 0), last)];
    if (step !== undefined) cursor.set(Math.min(Math.max(step, range[0]), range[1]));
  };
  const zoom = (factor: number) => show(zoomed(range, factor, cursor.step ?? (range[0] + range[1]) / 2, extent));
  const many = Math.ceil(last / 20);
  return {
    ArrowLeft: () => go(-1),
    ArrowRight: () => go(1),
    "Shift ArrowLeft": () => show(moved(range, -0.25, extent)),
    "Shift ArrowRight": () => show(moved(range, 0.25, extent)),
    PageUp: () => go(-many),
    PageDown: () => go(many),
    Home: () => cursor.set(range[0]),
    End: () => cursor.set(range[1]),
    Escape: () => cursor.set(null),
    "+": () => zoom(0.5),
    "Shift +": () => zoom(0.5), // where it is typed so
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    "0": () => show(ALL),
  };
}
