// Which steps are looked at: all, a range, or the newest so many, which are followed.

export type Range = readonly [first: number, last: number];
export type View = { kind: "all" } | { kind: "range"; from: number; to: number } | { kind: "last"; steps: number };

export const ALL: View = { kind: "all" };
/** A view is never of fewer steps than so many. */
export const FEWEST = 10;
export const MAX_POINTS = 1500;

const clamped = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);

/** The view that an address names; anything that is none is passed over. */
export function viewOf(query: URLSearchParams): View {
  const read = (name: string) => {
    const written = query.get(name) ?? "";
    return /^\d{1,12}$/.test(written) ? Number(written) : null;
  };
  const [from, to, last] = [read("from"), read("to"), read("last")];
  if (from !== null && to !== null && from < to) return { kind: "range", from, to };
  if (last) return { kind: "last", steps: Math.max(FEWEST, last) };
  return ALL;
}

/** `query` with `view` in it, and all else as it was. */
export function written(query: URLSearchParams, view: View): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const name of ["from", "to", "last"]) next.delete(name);
  if (view.kind === "range") {
    next.set("from", String(view.from));
    next.set("to", String(view.to));
  }
  if (view.kind === "last") next.set("last", String(view.steps));
  return next;
}

/** `view` of a curve that has the steps of `extent`: where it would have none of them, the nearest as wide. */
export function inside(view: View, extent: Range): View {
  if (view.kind !== "range") return view;
  if (view.from >= extent[1]) return { kind: "last", steps: Math.max(FEWEST, view.to - view.from + 1) };
  return view.to <= extent[0] ? rangeView([view.from, view.to], extent) : view;
}

/** The steps of a view of a curve that has those of `extent`. */
export function resolved(view: View, extent: Range): Range {
  const [first, last] = extent;
  const seen = inside(view, extent);
  if (seen.kind === "range") return [Math.max(first, seen.from), Math.min(last, seen.to)];
  if (seen.kind === "last") return [Math.max(first, last - seen.steps + 1), last];
  return [first, last];
}

/** `range` with whole steps, inside `extent` and not narrower than may be; `ALL` where it holds all of it. */
export function rangeView(range: Range, extent: Range): View {
  const whole = extent[1] - extent[0];
  const width = clamped(Math.round(Math.abs(range[1] - range[0])), Math.min(FEWEST - 1, whole), whole);
  if (width >= whole) return ALL;
  const from = clamped(Math.round(Math.min(...range)), extent[0], extent[1] - width);
  return { kind: "range", from, to: from + width };
}

/** `range` made `factor` times as wide, the step `centre` staying where it is. */
export function zoomed(range: Range, factor: number, centre: number, extent: Range): View {
  const from = centre - factor * (centre - range[0]);
  return rangeView([from, from + factor * (range[1] - range[0])], extent);
}

/** `range` moved by a share of its width. */
export function moved(range: Range, share: number, extent: Range): View {
  const by = Math.round(share * (range[1] - range[0]));
  return rangeView([range[0] + by, range[1] + by], extent);
}

/** Where a step lies in a range: 0 at its first step, 1 at its last. */
export const shareOf = (step: number, [first, last]: Range): number =>
  last > first ? (step - first) / (last - first) : 0.5;

/** The step at a share of a range. */
export const stepAt = (share: number, [first, last]: Range): number =>
  clamped(Math.round(first + share * (last - first)), first, last);

/** Which steps were asked for, for which view. */
export interface Asked {
  view: View;
  range: Range;
}

/** What is to be asked for to draw `view`, of a run that is to have `steps` steps: `held` while that will do; null where
 * nothing is to be asked for. */
export function askedFor(held: Asked | null, view: View, extent: Range, steps: number): Asked | null {
  if (view.kind === "all") return null;
  const [first] = resolved(view, extent);
  if (held && alike(held.view, view) && (view.kind === "range" || held.range[0] <= first)) return held;
  return { view, range: view.kind === "range" ? [view.from, view.to] : [first, Math.max(steps, extent[1])] };
}

function alike(one: View, other: View): boolean {
  if (one.kind === "range") return other.kind === "range" && one.from === other.from && one.to === other.to;
  return one.kind === other.kind && (one.kind !== "last" || one.steps === (other as typeof one).steps);
}
