// The compared jobs beside each other: how they stand, what they are worth, and what differs in their specs.

import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import { catalogueQuery } from "../api/queries";
import type { Job } from "../api/types";
import { count, title } from "../ui/format";
import { Panel, StatusBadge, Toggle, VerdictBadge } from "../ui/parts";
import { compared, differences, written } from "./diff";
import { evaluated, type Fact, standing } from "./facts";
import { Swatch } from "./styles";

interface Props {
  jobs: readonly Job[];
  /** Of each job, its place in the comparison. */
  places: readonly number[];
}

export function Table({ jobs, places }: Props) {
  const [all, setAll] = useState(false);
  const { data: catalogue } = useQuery(catalogueQuery);
  const evaluations = evaluated(jobs, catalogue);
  const actions = (
    <Toggle on={all} set={setAll}>
      All fields
    </Toggle>
  );
  return (
    <Panel title="What differs" className="compare-table" actions={actions}>
      <div className="compare-scroll" tabIndex={0} role="region" aria-label="Table of the compared jobs">
        <table>
          <Head jobs={jobs} places={places} />
          <Standing jobs={jobs} />
          {evaluations.length > 0 && (
            <Group name="What they are worth" columns={jobs.length}>
              {evaluations.map((fact) => (
                <FactRow key={fact.name} fact={fact} />
              ))}
            </Group>
          )}
          <Specs jobs={jobs} all={all} />
        </table>
      </div>
    </Panel>
  );
}

const Head = ({ jobs, places }: Props) => (
  <thead>
    <tr>
      <th scope="col">
        <span className="sr-only">Field</span>
      </th>
      {jobs.map((job, at) => (
        <th key={job.id} scope="col">
          <Swatch index={places[at] as number} />
          <Link href={`/jobs/${job.id}`}>{title(job)}</Link>
        </th>
      ))}
    </tr>
  </thead>
);

const Standing = ({ jobs }: Pick<Props, "jobs">) => (
  <Group name="How they stand" columns={jobs.length}>
    <Row name="State">
      {jobs.map((job) => (
        <td key={job.id}>
          <StatusBadge status={job.status} />
        </td>
      ))}
    </Row>
    <Row name="Verdict">
      {jobs.map((job) => (
        <td key={job.id}>
          <VerdictBadge verdict={job.verdict} severity={job.severity} />
        </td>
      ))}
    </Row>
    {standing(jobs).map((fact) => (
      <FactRow key={fact.name} fact={fact} />
    ))}
  </Group>
);

/** The fields in which the specs differ, or all of them. */
function Specs({ jobs, all }: Pick<Props, "jobs"> & { all: boolean }) {
  const specs = jobs.map((job) => job.spec);
  const different = differences(specs).filter(({ path }) => path !== "name");
  return (
    <Group name={specHeading(jobs.length, different.length, all)} columns={jobs.length}>
      {(all ? compared(specs) : different).map(({ path, values, differs }) => (
        <Row key={path} name={<code>{path}</code>} differs={all && differs}>
          {values.map((value, at) => (
            <td key={jobs[at]?.id}>
              {value === undefined ? (
                <span className="muted" title="This spec has no such field">
                  – <span className="sr-only">not there</span>
                </span>
              ) : (
                <code>{written(value)}</code>
              )}
            </td>
          ))}
        </Row>
      ))}
    </Group>
  );
}

function specHeading(jobs: number, differing: number, all: boolean): string {
  if (jobs < 2) return all ? "Spec" : "Spec: choose another job to see what differs";
  const said = differing === 1 ? "1 field differs" : `${differing ? count(differing) : "no"} fields differ`;
  return `Spec: ${said}`;
}

const Group = ({ name, columns, children }: { name: string; columns: number; children: ReactNode }) => (
  <tbody>
    <tr className="compare-group">
      <th scope="rowgroup" colSpan={columns + 1}>
        <span>{name}</span>
      </th>
    </tr>
    {children}
  </tbody>
);

interface RowProps {
  name: ReactNode;
  description?: string;
  differs?: boolean;
  children: ReactNode;
}

const Row = ({ name, description, differs = false, children }: RowProps) => (
  <tr data-differs={differs}>
    <th scope="row" title={description}>
      {name}
    </th>
    {children}
  </tr>
);

const FactRow = ({ fact: { name, description, values } }: { fact: Fact }) => (
  <Row name={name} description={description}>
    {values.map(({ text, note, best }, at) => (
      <td key={at} data-best={best}>
        {text}
        {best && <span className="compare-best"> best</span>}
        {note && <small className="muted"> {note}</small>}
      </td>
    ))}
  </Row>
);
