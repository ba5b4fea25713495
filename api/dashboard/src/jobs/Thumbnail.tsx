// The newest picture of a job, small; larger while one points at it.

import { useEffect, useRef, useState } from "react";
import { sampleUrl } from "../api/queries";
import { count } from "../ui/format";

/** A job that draws many pictures a second is not to load each of them (ms). */
const RENEWED_EVERY = 4_000;
const SIZE = 52;
const LARGE = 256;

export function Thumbnail({ job, name, newest }: { job: string; name: string; newest: number | null }) {
  const step = useThrottled(newest, RENEWED_EVERY);
  const [broken, setBroken] = useState<number | null>(null);
  if (step === null || broken === step) return <span className="thumbnail" data-empty="" title="No sample yet" />;
  const src = sampleUrl(job, step);
  const failed = () => setBroken(step);
  return (
    <span className="thumbnail">
      <img
        src={src}
        alt={`Newest sample of ${name}, step ${count(step)}`}
        width={SIZE}
        height={SIZE}
        loading="lazy"
        decoding="async"
        onError={failed}
      />
      <img className="thumbnail-large" src={src} alt="" width={LARGE} height={LARGE} loading="lazy" decoding="async" />
    </span>
  );
}

/** `value`, which changes at most every `wait` ms. */
function useThrottled<Value>(value: Value, wait: number): Value {
  const [shown, setShown] = useState(value);
  const at = useRef(0);
  useEffect(() => {
    const late = at.current + wait - Date.now();
    const timer = window.setTimeout(
      () => {
        at.current = Date.now();
        setShown(value);
      },
      Math.max(0, late),
    );
    return () => window.clearTimeout(timer);
  }, [value, wait]);
  return shown;
}
