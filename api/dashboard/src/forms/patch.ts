// What a fork changes, as a JSON merge patch (RFC 7396): objects are merged, null takes a member away.

import type { Json, Segment, Spec } from "../api/types";
import { changed, isPart } from "./kinds";

/** What makes `wanted` of `base`. Null and absent are the same: a spec says of neither what would be there. */
export function mergePatch(base: Spec, wanted: Spec): Spec {
  const patch: Spec = {};
  for (const name of new Set([...Object.keys(base), ...Object.keys(wanted)])) {
    const [before, after] = [base[name] ?? null, wanted[name] ?? null];
    if (same(before, after)) continue;
    patch[name] = isPart(before) && isPart(after) ? mergePatch(before, after) : after;
  }
  return patch;
}

/** `target` changed by `patch`, as the service does it. */
export function merged(target: Json | undefined, patch: Json): Json {
  if (!isPart(patch)) return patch;
  const result: Spec = isPart(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

/** The spec as the job trains by it now: with what the remedies of its rollbacks have changed. */
export const remedied = (spec: Spec, segments: readonly Segment[]): Spec =>
  [...segments]
    .sort((a, b) => a.number - b.number)
    .flatMap(({ spec_patch }) => Object.entries(spec_patch))
    .reduce<Spec>((result, [path, value]) => changed(result, path.split("."), value) as Spec, spec);

/** Alike but for the order of members, and for those that are null or absent. */
export function same(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, index) => same(each, b[index] ?? null));
  if (isPart(a) && isPart(b))
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => same(a[name] ?? null, b[name] ?? null));
  return a === b;
}
