// The marks of the timeline's buttons; drawn, because fonts have them in colour, in other sizes or not at all.

const PATHS = {
  first: "M4 3v10M13 3 6 8l7 5z",
  previous: "M11 3 4 8l7 5z",
  play: "M4 2.5 13 8l-9 5.5z",
  pause: "M5 3v10M11 3v10",
  next: "M5 3l7 5-7 5z",
  last: "M12 3v10M3 3l7 5-7 5z",
  swap: "M3 5h9M9.5 2.5 12 5 9.5 7.5M13 11H4M6.5 8.5 4 11l2.5 2.5",
  pin: "M5 2.5h6M6.5 2.5V7L4.5 9.5h7L9.5 7V2.5M8 9.5V14",
  download: "M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10",
} as const;

export const Icon = ({ name }: { name: keyof typeof PATHS }) => (
  <svg
    width="16"
    height="16"
    viewBox="0 0 16 16"
    fill={name === "swap" || name === "download" || name === "pin" ? "none" : "currentColor"}
    stroke="currentColor"
    strokeWidth="1.6"
    strokeLinejoin="round"
    strokeLinecap="round"
    aria-hidden="true"
  >
    <path d={PATHS[name]} />
  </svg>
);
