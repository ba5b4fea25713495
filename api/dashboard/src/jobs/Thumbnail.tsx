// The newest picture of a job, small; larger while one points at it.

import { useEffect, useRef, useState } from "react";
import { sampleUrl } from "../api/queries";
import { count } from "../ui/format";

/** A job that draws many pictures a second is not to load each of them (ms). */
const RENEWED_EVERY = 4_000;
/** When a picture that could not be had is asked for again (ms): the service may have been away. */
const AGAIN_AFTER = 20_000;
const SIZE = 52;
const LARGE = 256;

export function Thumbnail({ job, name, newest }: { job: string; name: string; newest: number | null }) {
  const wanted = useThrottled(newest, RENEWED_EVERY);
  const [loaded, setLoaded] = useState<number | null>(null);
  const [failed, setFailed] = useState<number | null>(null);
  const [pointedAt, setPointedAt] = useState(false);
  useEffect(() => {
    if (failed === null) return;
    const timer = window.setTimeout(() => setFailed(null), AGAIN_AFTER);
    return () => window.clearTimeout(timer);
  }, [failed]);
  // The picture of before stays where the newest cannot be had.
  const step = wanted !== failed ? wanted : loaded !== failed ? loaded : null;
  if (step === null) return <span className="thumbnail" />;
  // Twice the pixels of the style sheet's, for dense displays.
  const [small, large] = [SIZE, LARGE].map((side) => sampleUrl(job, step, null, 2 * side));
  return (
    <span
      className="thumbnail"
      onPointerEnter={(event) => setPointedAt(event.pointerType === "mouse")}
      onPointerLeave={() => setPointedAt(false)}
    >
      <img
        src={small}
        alt={`Newest sample of ${name}, step ${count(step)}`}
        width={SIZE}
        height={SIZE}
        loading="lazy"
        decoding="async"
        onLoad={() => setLoaded(step)}
        onError={() => setFailed(step)}
      />
      {pointedAt && <img className="thumbnail-large" src={large} alt="" width={LARGE} height={LARGE} />}
    </span>
  );
}

/** `value`, which changes at most every `wait` ms. */
function useThrottled<Value>(value: Value, wait: number): Value {
  const [shown, setShown] = useState(value);
  const at = useRef(0);
  useEffect(() => {
    if (value === shown) return;
    const take = () => {
      at.current = Date.now();
      setShown(value);
    };
    const timer = window.setTimeout(take, Math.max(0, at.current + wait - Date.now()));
    return () => window.clearTimeout(timer);
  }, [value, shown, wait]);
  return shown;
}
