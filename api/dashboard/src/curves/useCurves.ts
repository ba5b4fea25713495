// The curves of the job that is shown: all of it and the range that is looked at, both kept up to date by its stream.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { curveQuery } from "../api/queries";
import type { MetricBuckets } from "../api/types";
import { FINAL } from "../api/types";
import { useJobShown } from "../job/context";
import { rewound } from "./buckets";
import { Feed } from "./feed";
import { continued, EVER, type Followed } from "./followed";
import { MAX_POINTS, type Range, resolved, type View } from "./range";
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
  const { job, segment } = useJobShown();
  const feed = useFeed();
  const live = useLive(feed);
  const past = useQuery({
    ...curveQuery(job.id, NO_KEYS, MAX_POINTS, segment),
    enabled: segment !== null,
    gcTime: 0,
  });
  const whole = (segment === null ? live.curve : past.data) ?? null;
  const extent = useMemo(() => whole && extentOf(whole), [whole]);
  const asked = useAsked(view, extent, job.steps);
  const window = useWindow(asked, segment, segment === null ? feed : null, whole);

  const range = extent && resolved(view, extent);
  const { held } = window;
  const fits = held !== null && range !== null && held.asked[0] <= range[0] && range[1] <= held.asked[1];
  const drawn = view.kind !== "all" && fits ? trimmed(held.curve, view, range) : whole;
  const main = segment === null ? live : past;
  return {
    whole,
    drawn,
    extent,
    range,
    coming: view.kind !== "all" && (!fits || window.coming || !same(asked, held?.asked)),
    error: (whole ? null : main.error) ?? window.error,
    again: () => void (whole ? window.refetch() : main.refetch()),
  };
}

const same = (one: Range | null | undefined, other: Range | null | undefined) =>
  one?.[0] === other?.[0] && one?.[1] === other?.[1];

const trimmed = (curve: MetricBuckets, view: View, range: Range) =>
  view.kind === "last" ? since(curve, range[0]) : curve;

function useFeed(): Feed {
  const { stream } = useJobShown();
  const feed = useMemo(() => new Feed(), [stream]);
  useEffect(() => feed.listen(stream), [feed, stream]);
  return feed;
}

/** The curve of the line that the job is on. Once it has come, the stream begins behind it. */
function useLive(feed: Feed) {
  const { job, stream } = useJobShown();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({
    ...curveQuery(job.id, NO_KEYS, MAX_POINTS, null),
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

  const again = useMemo(() => () => void client.invalidateQueries({ queryKey: ["curve", job.id] }), [client, job.id]);
  const empty = data !== undefined && recorded(data).length === 0;
  useEffect(() => feed.on({ rows: () => empty && again(), rewind: again }), [feed, empty, again]);
  const followed = useFollowed(data, feed, null);
  return { curve: followed?.curve, error, refetch };
}

/** The range to ask for: of a view that follows the end, from where it began to the end there will be. */
function useAsked(view: View, extent: Range | null, steps: number): Range | null {
  const known = extent !== null;
  const range = useMemo<Range | null>(() => {
    if (view.kind === "all" || !extent) return null;
    return view.kind === "range" ? [view.from, view.to] : [resolved(view, extent)[0], Math.max(steps, extent[1])];
    // The end of a view that follows it moves on without being asked for again.
  }, [view, known, steps]);
  return useSettled(range);
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

function useWindow(asked: Range | null, segment: number | null, feed: Feed | null, whole: MetricBuckets | null) {
  const { job } = useJobShown();
  const keys = useMemo(() => (whole ? recorded(whole) : NO_KEYS), [whole?.columns && recorded(whole).join()]);
  const { data, error, isFetching, isPlaceholderData, refetch } = useQuery({
    ...curveQuery(job.id, keys, MAX_POINTS, segment, asked ?? undefined),
    // Not before the whole curve is there: from then on the stream brings what is new.
    enabled: asked !== null && keys.length > 0,
    placeholderData: undefined,
    staleTime: FINAL.includes(job.status) || segment !== null ? Number.POSITIVE_INFINITY : 0,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
    structuralSharing: false,
  });
  const held = useFollowed(isPlaceholderData ? undefined : data, feed, asked);
  return { held, error, refetch, coming: isFetching };
}

/** `base` with what `feed` brings behind it; the last one while there is none. */
function useFollowed(base: MetricBuckets | undefined, feed: Feed | null, asked: Range | null): Followed | null {
  const [followed, setFollowed] = useState<Followed | null>(null);
  let current = followed;
  if (base && base !== followed?.base) {
    const begun = { base, curve: base, asked: asked ?? EVER };
    const kept = feed?.rows;
    current = kept ? continued(begun, kept) : begun;
    setFollowed(current);
  }
  useEffect(
    () =>
      feed?.on({
        rows: (rows) => setFollowed((now) => now && continued(now, rows)),
        rewind: (step) => setFollowed((now) => now && { ...now, curve: rewound(now.curve, step) }),
      }),
    [feed],
  );
  return current;
}
