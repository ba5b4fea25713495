// A sample in a frame of its own proportions, which is there before the image is.

import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";
import { pictures } from "./pictures";
import type { Shown } from "./usePicture";

interface Props {
  shown: Shown;
  /** What the image is of, in words. */
  label: string;
  width: number;
  height: number;
  crisp: boolean;
  /** Laid over the image. */
  children?: ReactNode;
}

export function Frame({ shown, label, width, height, crisp, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const room = useWidth(box);
  // Only what is shown larger than it is has pixels to be seen; made smaller, it would lose some.
  const enlarged = shown.picture !== null && room > shown.picture.width;
  return (
    <div
      ref={box}
      className="sample-frame"
      style={{ aspectRatio: `${width} / ${height}` }}
      data-crisp={crisp && enlarged}
    >
      {shown.picture && <img src={shown.picture.src} alt={label} decoding="sync" draggable={false} />}
      {shown.error && (
        <div className="sample-error">
          <p>{shown.error.message}</p>
          <button type="button" onClick={pictures.again}>
            Try again
          </button>
        </div>
      )}
      {children}
    </div>
  );
}

/** How wide a box is, in pixels of the screen. */
function useWidth(box: RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (box.current === null) return;
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.round((entry?.contentRect.width ?? 0) * window.devicePixelRatio)),
    );
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);
  return width;
}
