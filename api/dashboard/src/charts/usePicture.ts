// What of a curve that goes on a chart has drawn: not anew before it would look otherwise, nor while it is out of view.

import { type RefObject, useEffect, useRef, useState } from "react";
import { FINAL, type Job } from "../api/types";
import { isNews, type Picture } from "../curves/pace";
import { useJobPart } from "../job/context";
import { useShared } from "./shared";

/** Pixels around the window that a chart in is drawn already. */
const AROUND = "200px";
const isOver = ({ status }: Job) => FINAL.includes(status);

/** The box of a chart, to be given its element, and what is to be drawn in it: the same object while that is the same. */
export function usePicture(): [RefObject<HTMLElement | null>, Picture] {
  const { curve, range } = useShared();
  const box = useRef<HTMLElement>(null);
  const seen = useSeen(box);
  const over = useJobPart(isOver);
  const [drawn, draw] = useState<Picture>(() => ({ curve, range, at: Date.now() }));
  const next = { curve, range, at: Date.now() };
  // What was not there is drawn also out of view, and the end of a run is not waited for.
  const isFirst = drawn.curve.count.length === 0;
  const due = over ? Number.POSITIVE_INFINITY : next.at;
  if ((seen || isFirst) && isNews(drawn, { ...next, at: due })) {
    draw(next);
    return [box, next];
  }
  return [box, drawn];
}

function useSeen(box: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(true);
  useEffect(() => {
    if (box.current === null) return;
    const observer = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? true), {
      rootMargin: AROUND,
    });
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);
  return seen;
}
