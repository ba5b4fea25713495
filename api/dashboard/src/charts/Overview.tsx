// The whole run in a strip, and in it the range that is looked at, to be moved and made wider or narrower.

import { type PointerEvent, useMemo, useRef } from "react";
import type { MetricBuckets } from "../api/types";
import { rangeView, type Range, shareOf } from "../curves/range";
import { placed, type Scale, scaleOf } from "../curves/scale";
import { count } from "../ui/format";
import { LEFT, RIGHT } from "./option";
import { useShared } from "./shared";

const HEIGHT = 100; // of the drawing, in its own unit
const KEYS = ["d_loss", "g_loss"] as const;
type Part = "from" | "to" | "both";

export function Overview({ whole }: { whole: MetricBuckets }) {
  const { colours, extent, range } = useShared();
  const lines = useMemo(() => {
    const scale = scaleOf(whole, KEYS, extent, false, [], true);
    return KEYS.map((key) => outline(whole, key, extent, scale));
    // A point more is seen; that the last one moves is not.
  }, [whole.segment, whole.bucket_steps, whole.count.length, whole.first_step[0]]);
  const { box, grab, pointing } = useGrab();
  const [from, to] = [shareOf(Math.max(range[0], extent[0]), extent), shareOf(Math.min(range[1], extent[1]), extent)];
  return (
    <div className="overview" style={{ marginLeft: LEFT, marginRight: RIGHT }} ref={box}>
      <svg viewBox={`0 0 1000 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={lines[0]} stroke={colours.discriminator} />
        <path d={lines[1]} stroke={colours.generator} />
      </svg>
      <span className="overview-out" style={{ left: 0, width: `${100 * from}%` }} />
      <span className="overview-out" style={{ left: `${100 * to}%`, right: 0 }} />
      <span
        className="overview-in"
        style={{ left: `${100 * from}%`, width: `${100 * (to - from)}%` }}
        onPointerDown={grab("both")}
        {...pointing}
      />
      <Handle part="from" share={from} grab={grab("from")} pointing={pointing} />
      <Handle part="to" share={to} grab={grab("to")} pointing={pointing} />
    </div>
  );
}

/** Taking hold of the range, or of an end of it, and moving it. */
function useGrab() {
  const { extent, range, show } = useShared();
  const box = useRef<HTMLDivElement>(null);
  const held = useRef<{ part: Part; x: number; range: Range } | null>(null);
  const whenMoved = (event: PointerEvent) => {
    if (held.current === null || box.current === null) return;
    const width = Math.max(1, box.current.getBoundingClientRect().width);
    const by = ((event.clientX - held.current.x) / width) * (extent[1] - extent[0]);
    show(changed(held.current.range, held.current.part, by, extent));
  };
  const grab = (part: Part) => (event: PointerEvent) => {
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = { part, x: event.clientX, range };
  };
  const release = () => {
    held.current = null;
  };
  const pointing = { onPointerMove: whenMoved, onPointerUp: release, onPointerCancel: release };
  return { box, grab, pointing };
}

interface HandleProps {
  part: "from" | "to";
  share: number;
  grab: (event: PointerEvent) => void;
  pointing: object;
}

function Handle({ part, share, grab, pointing }: HandleProps) {
  const { extent, range, show } = useShared();
  const step = part === "from" ? range[0] : range[1];
  const by = Math.max(1, Math.round((extent[1] - extent[0]) / 100));
  const keys: Record<string, number> = {
    ArrowLeft: -by,
    ArrowDown: -by,
    ArrowRight: by,
    ArrowUp: by,
    PageDown: -10 * by,
    PageUp: 10 * by,
  };
  return (
    <span
      className="overview-handle"
      role="slider"
      tabIndex={0}
      aria-label={part === "from" ? "First step shown" : "Last step shown"}
      aria-valuemin={extent[0]}
      aria-valuemax={extent[1]}
      aria-valuenow={Math.min(Math.max(step, extent[0]), extent[1])}
      aria-valuetext={`step ${count(step)}`}
      style={{ left: `${100 * share}%` }}
      onPointerDown={grab}
      onKeyDown={(event) => {
        const moves = keys[event.key];
        if (moves === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        show(changed(range, part, moves, extent));
      }}
      {...pointing}
    />
  );
}

function changed(range: Range, part: Part, by: number, extent: Range) {
  if (part === "both") return rangeView([range[0] + by, range[1] + by], extent);
  // An end stops at the other one: beyond it the range would turn around.
  if (part === "from") return rangeView([Math.max(extent[0], Math.min(range[0] + by, range[1])), range[1]], extent);
  return rangeView([range[0], Math.min(extent[1], Math.max(range[1] + by, range[0]))], extent);
}

/** A curve as the path of a drawing 1,000 wide. */
function outline(curve: MetricBuckets, key: string, extent: Range, scale: Scale): string {
  const held = curve.columns[key];
  if (!held) return "";
  let pen = "M";
  return held.mean
    .map((mean, at) => {
      const place = placed(mean, false);
      if (place === null) {
        pen = "M";
        return "";
      }
      const x = 1000 * shareOf(curve.last_step[at] as number, extent);
      const y =
        HEIGHT * (1 - (Math.min(Math.max(place, scale.low), scale.high) - scale.low) / (scale.high - scale.low));
      const point = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
      return point;
    })
    .join("");
}
