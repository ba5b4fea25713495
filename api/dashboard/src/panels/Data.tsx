// What an event or a log line holds besides its words.

import type { Json } from "../api/types";
import { words } from "../ui/format";

/** Short values in a row; the rest behind a disclosure. */
export function Data({ data }: { data: Record<string, Json> }) {
  const entries = Object.entries(data).filter(([, value]) => value !== null);
  if (!entries.length) return null;
  return (
    <details className="data">
      <summary>
        {entries.length} {entries.length === 1 ? "value" : "values"}
      </summary>
      <dl>
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt>{words(name)}</dt>
            <dd className="mono wrap">{typeof value === "object" ? JSON.stringify(value, null, 1) : String(value)}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
