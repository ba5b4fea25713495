// What can be done with the jobs that are chosen.

import { Link } from "wouter";
import { MOST_JOBS } from "../compare/choice";

export function SelectionBar({ chosen, clear }: { chosen: ReadonlySet<string>; clear: () => void }) {
  const many = chosen.size > 1;
  return (
    <section className="chosen-bar" aria-label="Chosen jobs" hidden={chosen.size === 0}>
      <p role="status">
        {chosen.size > 0 &&
          (many ? `${chosen.size} of at most ${MOST_JOBS} jobs chosen` : "Choose another job to compare with")}
      </p>
      <button type="button" onClick={clear}>
        Clear
      </button>
      {many && (
        <Link href={`/compare?jobs=${[...chosen].join(",")}`} className="button primary">
          Compare {chosen.size} jobs
        </Link>
      )}
    </section>
  );
}
