// The curves of the job that is shown: all of it and the range that is looked at, both kept up to date by its stream.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { curveQuery } from "../api/queries";
import { FINAL, type Job, type MetricBuckets } from "../api/types";
import { useJobPart, usePlace } from "../job/context";
import { Feed } from "./feed";
import { continued, EVER, type Followed, takenBack } from "./followed";
import { apartOf } from "./pace";
import { type Asked, askedFor, inside, MAX_POINTS, type Range, resolved, type View } from "./range";
import { extentOf, recorded, since } from "./reading";

/** Of what the steps of a range are asked for after a pause of so many milliseconds. */
const PAUSE = 150;
const NO_KEYS: readonly string[] = [];

export interface Curves {
  /** All that is recorded; null until it has come. */
  whole: MetricBuckets | null;
  /** What is to be drawn: the range as closely as it is known. */
  drawn: MetricBuckets | null;
  /** The first and last step recorded, and those looked at; null while nothing is recorded. */
  extent: Range | null;
  range: Range | null;
  /** Whether the range is still being asked for. */
  coming: boolean;
  error: Error | null;
  again: () => void;
}

export function useCurves(view: View): Curves {
  const { id, segment } = usePlace();
  const { steps } = useJobPart(partOf);
  const feed = useFeed();
  const live = useLive(feed);
  const past = useQuery({
    ...curveQuery(id, NO_KEYS, MAX_POINTS, segment),
    enabled: segment !== null,
    gcTime: 0,
  });
  const whole = (segment === null ? live.curve : past.data) ?? null;
  const extent = useMemo(() => whole && extentOf(whole), [whole]);
  const seen = extent && inside(view, extent);
  const last = seen?.kind === "last" ? seen.steps : null;
  const asked = useAsked(seen, extent, steps);
  const window = useWindow(asked, last, segment === null ? feed : null, whole);

  const range = extent && seen && resolved(seen, extent);
  const { held } = window;
  const fits = held !== null && range !== null && held.from <= range[0] && range[1] <= held.asked[1];
  const drawn = view.kind !== "all" && fits ? trimmed(held.curve, last, range) : whole;
  usePace(feed, view, drawn, range, extent);
  const main = segment === null ? live : past;
  return {
    whole,
    drawn,
    extent,
    range,
    coming: view.kind !== "all" && !window.error && (!fits || window.coming || !same(asked, held?.asked)),
    error: (whole ? null : main.error) ?? (view.kind === "all" ? null : window.error),
    again: () => void (whole ? window.refetch() : main.refetch()),
  };
}

/** What of a job its curves depend on. */
const partOf = ({ steps, status }: Job) => ({ steps, isOver: FINAL.includes(status) });

const same = (one: Range | null | undefined, other: Range | null | undefined) =>
  one?.[0] === other?.[0] && one?.[1] === other?.[1];

const trimmed = (curve: MetricBuckets, last: number | null, range: Range) =>
  last === null ? curve : since(curve, range[0]);

function useFeed(): Feed {
  const { stream } = usePlace();
  const feed = useMemo(() => new Feed(), [stream]);
  useEffect(() => feed.listen(stream), [feed, stream]);
  return feed;
}

/** News are taken as often as they would be seen: not more than once for each point, or pixel. */
function usePace(feed: Feed, view: View, drawn: MetricBuckets | null, range: Range | null, extent: Range | null) {
  const apart = apartOf(view, drawn, range, extent);
  useEffect(() => {
    feed.apart = apart;
  }, [feed, apart]);
}

/** The curve of the line that the job is on. Once it has come, the stream begins behind it. */
function useLive(feed: Feed) {
  const { id, stream } = usePlace();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({
    ...curveQuery(id, NO_KEYS, MAX_POINTS, null),
    placeholderData: undefined,
    gcTime: 0,
    refetchOnWindowFocus: false,
    structuralSharing: false, // an answer is one to begin from, also where it is as the one before
  });
  const begun = useRef(false);
  useEffect(
    () => () => {
      begun.current = false;
    },
    [stream],
  );
  useEffect(() => {
    if (!data || begun.current) return;
    begun.current = true;
    const names = recorded(data);
    stream.start(names.length ? names : Object.keys(data.columns), data.next_step);
  }, [data, stream]);

  const again = useMemo(() => () => void client.invalidateQueries({ queryKey: ["curve", id] }), [client, id]);
  const empty = data !== undefined && recorded(data).length === 0;
  useEffect(() => feed.on({ rows: () => empty && again(), rewind: again }), [feed, empty, again]);
  const followed = useFollowed(data, feed, EVER, null, null);
  return { curve: followed?.curve, error: useLasting(error, data !== undefined), refetch };
}

/** The range to ask for: of a view that follows the end, from where it began to the end there will be. It moves on
 * without being asked for again, until it begins before that: after the job has gone back. */
function useAsked(view: View | null, extent: Range | null, steps: number): Range | null {
  const [held, hold] = useState<Asked | null>(null);
  const next = view && extent ? askedFor(held, view, extent, steps) : null;
  if (next !== held) hold(next);
  return useSettled(next?.range ?? null);
}

/** `value` once it has not changed for a moment; at once where there was none. */
function useSettled<Value>(value: Value | null): Value | null {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), settled === null ? 0 : PAUSE);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function useWindow(asked: Range | null, last: number | null, feed: Feed | null, whole: MetricBuckets | null) {
  const { id, segment } = usePlace();
  const { isOver } = useJobPart(partOf);
  const keys = useMemo(() => (whole ? recorded(whole) : NO_KEYS), [whole?.columns && recorded(whole).join()]);
  const { data, error, isFetching, isPlaceholderData, refetch } = useQuery({
    ...curveQuery(id, keys, MAX_POINTS, segment, asked ?? undefined),
    // Not before the whole curve is there: from then on the stream brings what is new.
    enabled: asked !== null && keys.length > 0,
    placeholderData: undefined,
    staleTime: isOver || segment !== null ? Number.POSITIVE_INFINITY : 0,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
    structuralSharing: false,
  });
  const held = useFollowed(isPlaceholderData ? undefined : data, feed, asked ?? EVER, segment, last);
  return { held, error: useLasting(error, data !== undefined), refetch, coming: isFetching };
}

/** An error until what failed has come: also while it is asked for again. */
function useLasting(error: Error | null, come: boolean): Error | null {
  const [kept, keep] = useState<Error | null>(null);
  const next = come ? null : (error ?? kept);
  if (next !== kept) keep(next);
  return next;
}

/** `base` with what `feed` brings behind it; the last one while there is none, unless that is of another stretch. */
function useFollowed(
  base: MetricBuckets | undefined,
  feed: Feed | null,
  asked: Range,
  segment: number | null,
  last: number | null,
): Followed | null {
  const [followed, setFollowed] = useState<Followed | null>(null);
  let current = followed;
  if (base && (base !== followed?.base || last !== followed.last)) {
    const begun = { base, curve: base, asked, from: asked[0], segment, last };
    const kept = feed?.rows;
    current = kept ? continued(begun, kept) : begun;
    setFollowed(current);
  }
  useEffect(
    () =>
      feed?.on({
        rows: (rows) => setFollowed((now) => now && continued(now, rows)),
        rewind: (step) => setFollowed((now) => now && takenBack(now, step)),
      }),
    [feed],
  );
  return current?.segment === segment ? current : null;
}
