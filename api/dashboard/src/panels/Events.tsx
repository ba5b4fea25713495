// What happened to a job, the newest first.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { catalogueQuery, eventsQuery } from "../api/queries";
import type { Job } from "../api/types";
import { age, clock, count } from "../ui/format";
import { Empty, Problem } from "../ui/parts";
import { Data } from "./Data";
import { readable } from "./events";

const MORE = 50;

export function Events({ job }: { job: Job }) {
  const { data: events, error, refetch } = useQuery(eventsQuery(job.id));
  const { data: catalogue } = useQuery(catalogueQuery);
  const [shown, setShown] = useState(MORE);
  if (error && !events) return <Problem error={error} retry={() => void refetch()} />;
  if (!events) return <Empty>Loading …</Empty>;
  if (!events.length) return <Empty>Nothing has happened yet.</Empty>;
  const newest = events.slice(-shown).reverse();
  const verdicts = Object.keys(catalogue?.verdicts ?? {});
  return (
    <>
      <ol className="entries" aria-label="Events">
        {newest.map((event) => (
          <li key={event.id} data-level={event.level}>
            <time dateTime={event.created_at} title={clock(event.created_at)} className="muted">
              {age(event.created_at)}
            </time>
            <span className="level">{event.level}</span>
            <code>{event.kind}</code>
            <div className="entry">
              <span className="wrap">{readable(event.message, verdicts)}</span>
              <Data data={event.data} />
            </div>
          </li>
        ))}
      </ol>
      {events.length > shown && (
        <button type="button" onClick={() => setShown(shown + 4 * MORE)}>
          Show older ({count(events.length - shown)} more)
        </button>
      )}
    </>
  );
}
