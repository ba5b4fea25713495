// A sample image for a component: the old one is shown until the new one can be.

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { type Picture, pictures } from "./pictures";

export interface Shown {
  /** What is shown, and of which address it is: the last one that came while the wanted one is on its way. */
  picture: Picture | null;
  of: string | null;
  error: Error | null;
}

const NOTHING: Shown = { picture: null, of: null, error: null };

/** The picture at `url`. However fast `url` changes, one is asked for at a time, and then the one wanted last. One that
 * could not be loaded is asked for again when there may be a point in it. */
export function usePicture(url: string | null): Shown {
  const [shown, setShown] = useState(NOTHING);
  const round = useSyncExternalStore(pictures.watch, () => pictures.round);
  const wanted = useRef({ url, round });
  const busy = useRef(false);
  const alive = useRef(true);
  useEffect(() => {
    alive.current = true;
    window.addEventListener("online", pictures.again);
    return () => {
      alive.current = false;
      window.removeEventListener("online", pictures.again);
    };
  }, []);

  useEffect(() => {
    const now = { url, round };
    wanted.current = now;
    const follow = async () => {
      busy.current = true;
      for (let done: typeof now | null = null; alive.current && wanted.current !== done;) {
        done = wanted.current;
        const asked = done.url;
        if (asked === null) continue;
        const next = await pictures.load(asked).then(
          (picture) => ({ picture, of: asked, error: null }),
          (error: Error) => ({ picture: null, of: asked, error }),
        );
        if (alive.current) setShown(next);
      }
      busy.current = false;
    };
    if (!busy.current) void follow();
  }, [url, round]);

  const ready = url === null ? null : pictures.get(url);
  if (url === null) return NOTHING;
  return ready ? { picture: ready, of: url, error: null } : shown;
}

/** Have the pictures at `urls` loaded before they are wanted, a few at a time, the first ones first. */
export function usePreloaded(urls: readonly string[]): void {
  const list = urls.join("\n");
  useEffect(() => {
    let stopped = false;
    const waiting = list ? list.split("\n").filter((url) => !pictures.settled(url)) : [];
    const next = async () => {
      // One that cannot be loaded is told of where it is shown.
      for (let url = waiting.shift(); url !== undefined && !stopped; url = waiting.shift())
        await pictures.load(url).catch(() => null);
    };
    for (let lane = 0; lane < 3; lane++) void next();
    return () => {
      stopped = true;
    };
  }, [list]);
}
