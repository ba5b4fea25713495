// Which rows are shown and in which order: order.ts says when they may move.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
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
  const [settled, setSettled] = useState({ filter, ids: wanted as readonly string[] });
  const { isHeld, hold, release } = useHolds();
  // Another filter or order holds at once, and so does what comes where nothing was.
  const isAsked = settled.filter !== filter || settled.ids.length === 0;
  const ids = useMemo(() => (isAsked ? wanted : held(settled.ids, jobs)), [isAsked, wanted, settled, jobs]);
  const waiting = useMemo(() => (ids === wanted ? 0 : pending(ids, wanted)), [ids, wanted]);

  const take = useCallback(() => setSettled({ filter, ids: wanted }), [filter, wanted]);
  const takenAt = useRef(0);
  useEffect(() => {
    takenAt.current = Date.now();
  }, [settled]);
  useEffect(() => {
    if (isAsked) return take();
    if (isHeld || waiting === 0) return;
    // What waits for its time is drawn then, even if nothing else happens.
    const timer = window.setTimeout(take, Math.max(0, takenAt.current + SETTLED - Date.now()));
    return () => window.clearTimeout(timer);
  }, [isAsked, isHeld, waiting, take]);

  const settle = useCallback(() => {
    release();
    take();
  }, [release, take]);
  return { ids, pending: isHeld ? waiting : 0, hold, settle };
}

/** Whether somebody is at a row. */
function useHolds() {
  const holds = useRef(new Set<string>());
  const [isHeld, setHeld] = useState(false);
  const hold = useCallback((by: string, on: boolean) => {
    if (on) holds.current.add(by);
    else holds.current.delete(by);
    setHeld(holds.current.size > 0);
  }, []);
  const release = useCallback(() => {
    holds.current.clear();
    setHeld(false);
  }, []);
  return { isHeld, hold, release };
}
