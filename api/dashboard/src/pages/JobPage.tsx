// One job: how it goes, what it draws, and what can be done about it.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { jobQuery } from "../api/queries";
import { Charts } from "../job/Charts";
import { JobShownProvider } from "../job/context";
import { Details } from "../job/Details";
import { HealthPanel } from "../job/HealthPanel";
import { JobHeader } from "../job/JobHeader";
import { Timeline } from "../job/Timeline";
import { title } from "../ui/format";
import { Empty, Problem } from "../ui/parts";
import { useTitle } from "../ui/useTitle";

export default function JobPage({ id }: { id: string }) {
  const { data: job, error, refetch } = useQuery(jobQuery(id));
  const [segment, setSegment] = useState<number | null>(null);
  useTitle(job ? title(job) : null);
  if (error && !job)
    return (
      <>
        <Problem error={error} retry={() => void refetch()} />
        <p>
          <Link href="/">All jobs</Link>
        </p>
      </>
    );
  if (!job) return <Empty>Loading …</Empty>;
  return (
    <JobShownProvider job={job} segment={segment}>
      <JobHeader segment={segment} setSegment={setSegment} />
      {PARTS}
    </JobShownProvider>
  );
}

/** The same object always: what of it depends on the job asks for it, and is not drawn anew else. */
const PARTS = (
  <div className="job-layout">
    <div className="job-main">
      <Charts />
    </div>
    <div className="job-side">
      <Timeline />
      <HealthPanel />
    </div>
    <Details />
  </div>
);
