// Which rows are shown and in which order: order.ts says when they may move.

import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import { type Filter, filtered } from "./filter";
import type { Jobs } from "./merge";
import { held, ordered, pending, SETTLED } from "./order";

export interface Shown {
  ids: readonly string[];
  /** How many rows would come, go or move if they were not held. */
  pending: number;
  /** To be told that somebody points at a row, or has the focus in one. */
  hold: (by: "pointer" | "focus", on: boolean) => void;
  settle: () => void;
}

export function useShown(jobs: Jobs, filter: Filter): Shown {
  const wanted = useMemo(() => ordered(filtered(jobs.values(), filter), filter.order), [jobs, filter]);
  const shown = useRef({ filter, ids: wanted as readonly string[], at: 0 });
  const holds = useRef(new Set<string>());
  const [isHeld, setHeld] = useState(false);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const hold = useCallback((by: string, on: boolean) => {
    if (on) holds.current.add(by);
    else holds.current.delete(by);
    setHeld(holds.current.size > 0);
  }, []);
  const settle = useCallback(() => {
    shown.current = { ...shown.current, at: 0 };
    holds.current.clear();
    setHeld(false);
    redraw();
  }, []);

  const now = Date.now();
  const asked = shown.current.filter !== filter || shown.current.ids.length === 0;
  if (asked || (!isHeld && now - shown.current.at >= SETTLED)) shown.current = { filter, ids: wanted, at: now };
  const ids = held(shown.current.ids, jobs);
  const waiting = ids === wanted ? 0 : pending(ids, wanted);
  // What waits for its time is drawn then, even if nothing else happens.
  useEffect(() => {
    if (isHeld || waiting === 0) return;
    const timer = window.setTimeout(redraw, SETTLED);
    return () => window.clearTimeout(timer);
  }, [isHeld, waiting]);
  return { ids, pending: isHeld ? waiting : 0, hold, settle };
}
