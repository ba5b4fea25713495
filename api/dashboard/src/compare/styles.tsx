// What tells the jobs of a comparison apart: a colour, a kind of line and a mark each, for who tells no colours apart.

type Mark = "circle" | "rect" | "triangle" | "diamond";

interface Style {
  /** Lengths of the line's dashes and gaps; none is a whole line. */
  dashes: number[];
  mark: Mark;
}

export const STYLES: readonly Style[] = [
  { dashes: [], mark: "circle" },
  { dashes: [7, 3], mark: "rect" },
  { dashes: [2, 2], mark: "triangle" },
  { dashes: [9, 3, 2, 3], mark: "diamond" },
  { dashes: [], mark: "triangle" },
  { dashes: [7, 3], mark: "diamond" },
  { dashes: [2, 2], mark: "circle" },
  { dashes: [9, 3, 2, 3], mark: "rect" },
];

const SHAPES: Record<Mark, string> = {
  circle: "M18 4.5a3.5 3.5 0 1 0 .01 0z",
  rect: "M14.8 4.8h6.4v6.4h-6.4z",
  triangle: "M18 4l4 7.5h-8z",
  diamond: "M18 3.5 22.2 8 18 12.5 13.8 8z",
};

/** A piece of a job's line, as it is in the charts. */
export function Swatch({ index }: { index: number }) {
  const { dashes, mark } = STYLES[index % STYLES.length] as Style;
  const colour = `var(--series-${(index % STYLES.length) + 1})`;
  return (
    <svg className="swatch" width="36" height="16" viewBox="0 0 36 16" aria-hidden="true">
      <path d="M0 8h36" stroke={colour} strokeWidth="2" strokeDasharray={dashes.join(" ") || undefined} />
      <path d={SHAPES[mark]} fill={colour} />
    </svg>
  );
}
