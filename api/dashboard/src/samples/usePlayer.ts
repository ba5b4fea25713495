// Playing samples one after another, each for its time and not before it can be shown.

import { useEffect, useRef, useState } from "react";

export const SPEEDS = [2, 5, 10, 20] as const;

interface Played {
  /** How many there are, and which one is shown. */
  length: number;
  index: number;
  go: (index: number) => void;
  /** Whether one need not be waited for: it can be shown at once, or not at all. */
  ready: (index: number) => boolean;
}

export interface Player {
  playing: boolean;
  /** Starts from the first where the last is shown. */
  toggle: () => void;
  stop: () => void;
  speed: number;
  setSpeed: (speed: number) => void;
}

export function usePlayer(played: Played): Player {
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(5);
  const now = useRef(played);
  now.current = played;

  useEffect(() => {
    if (!playing) return;
    const gap = 1000 / speed;
    let due = performance.now() + gap;
    let frame = requestAnimationFrame(function tick(time) {
      const { index, length, go, ready } = now.current;
      if (time >= due && index >= length - 1) return setPlaying(false);
      if (time >= due && ready(index + 1)) {
        go(index + 1);
        // Behind by more than one (a hidden tab, a slow network): the lost time is not made up for.
        due = Math.max(due + gap, time);
      }
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, speed]);

  const toggle = () => {
    if (!playing && now.current.index >= now.current.length - 1) now.current.go(0);
    setPlaying(!playing);
  };
  return { playing, toggle, stop: () => setPlaying(false), speed, setSpeed };
}
