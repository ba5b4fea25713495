// What a job was asked to do, and how that differs from the job it comes from.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "wouter";
import { jobQuery } from "../api/queries";
import type { Job } from "../api/types";
import { differences } from "../compare/diff";
import { toYaml } from "../forms/yaml";
import { Copy } from "../ui/Copy";
import { title } from "../ui/format";
import { DifferenceTable } from "./DifferenceTable";

export default function SpecPanel({ job }: { job: Job }) {
  const text = useMemo(() => toYaml(job.spec), [job.spec]);
  const file = `data:text/yaml;charset=utf-8,${encodeURIComponent(text)}`;
  return (
    <>
      {job.origin && <ToParent job={job} parentId={job.origin.job_id} />}
      <div className="log-bar">
        <Copy text={text} what="the spec">
          Copy
        </Copy>
        <a className="button" href={file} download={`${job.name ?? job.id}.yaml`}>
          Download
        </a>
        <Link className="button" href={`/new?from=${job.id}`}>
          Use for a new job
        </Link>
      </div>
      <pre className="spec" tabIndex={0} aria-label="Spec as YAML">
        {text}
      </pre>
    </>
  );
}

function ToParent({ job, parentId }: { job: Job; parentId: string }) {
  const { data: parent, error } = useQuery({ ...jobQuery(parentId), retry: false });
  const found = useMemo(() => parent && differences([parent.spec, job.spec]), [parent, job.spec]);
  if (error && !parent) return <p className="muted">The job that this one comes from is no longer there.</p>;
  if (!parent || !found) return <p className="muted">Loading what differs …</p>;
  const rows = found.map(({ path, values: [before, after] }) => ({ path, before, after }));
  return (
    <section aria-label="Differences" className="spec-difference">
      <h3>What differs from {title(parent)}</h3>
      {rows.length ? <DifferenceTable rows={rows} /> : <p className="muted">Nothing.</p>}
    </section>
  );
}
