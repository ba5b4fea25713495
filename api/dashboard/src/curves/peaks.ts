// Where a curve goes beyond an edge.

export interface Peak {
  at: number;
  place: number;
  /** Whether no other goes as far. */
  farthest: boolean;
}

/** The greatest of each run of neighbours in `places` that are above `edge`. */
export function peaks(places: readonly (number | null)[], edge: number): Peak[] {
  const found: Peak[] = [];
  let last = Number.NEGATIVE_INFINITY; // the index that was above the edge last
  places.forEach((place, at) => {
    if (place === null || place <= edge) return;
    const peak = found.at(-1);
    if (peak === undefined || at > last + NEAR) found.push({ at, place, farthest: false });
    else if (place > peak.place) Object.assign(peak, { at, place });
    last = at;
  });
  const farthest = found.reduce<Peak | null>((most, each) => (most && most.place >= each.place ? most : each), null);
  if (farthest) farthest.farthest = true;
  return found;
}

/** Points of the picture: nearer to one another there is no telling them apart. */
const NEAR = 8;
