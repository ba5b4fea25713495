// Fields of a spec before and after.

import type { Json } from "../api/types";
import { written } from "../compare/diff";

interface Changed {
  path: string;
  before: Json | undefined;
  after: Json | undefined;
}

export function DifferenceTable({ rows }: { rows: Changed[] }) {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="What differs">
      <table className="difference">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ path, before, after }) => (
            <tr key={path}>
              <th scope="row">
                <code>{path}</code>
              </th>
              <td className="mono">{written(before)}</td>
              <td className="mono">{written(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
