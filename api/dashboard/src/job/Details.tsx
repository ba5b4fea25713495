// What else there is to know of a job: what happened, what it logged, what it was asked to do, what it left.

import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { segmentsQuery } from "../api/queries";
import { Checkpoints } from "../panels/Checkpoints";
import { Evaluations } from "../panels/Evaluations";
import { Events } from "../panels/Events";
import { Log } from "../panels/Log";
import { Segments } from "../panels/Segments";
import { type Tab, Tabs } from "../ui/Tabs";
import { Empty } from "../ui/parts";
import { useJobShown } from "./context";

// YAML is loaded when somebody asks for it.
const SpecPanel = lazy(() => import("../panels/SpecPanel"));

export function Details() {
  const { job } = useJobShown();
  const { data: segments } = useQuery({ ...segmentsQuery(job.id), enabled: job.rollbacks > 0 });
  const tabs: Tab[] = [
    { name: "events", title: "Events", show: () => <Events job={job} /> },
    { name: "log", title: "Log", show: () => <Log job={job} /> },
    {
      name: "spec",
      title: "Spec",
      show: () => (
        <Suspense fallback={<Empty>Loading …</Empty>}>
          <SpecPanel job={job} />
        </Suspense>
      ),
    },
    { name: "checkpoints", title: "Checkpoints", show: () => <Checkpoints job={job} /> },
    { name: "evaluations", title: "Evaluations", show: () => <Evaluations job={job} /> },
  ];
  if (job.rollbacks > 0)
    tabs.push({ name: "rollbacks", title: "Rollbacks", count: segments?.length, show: () => <Segments job={job} /> });
  return (
    <section className="panel details" aria-label="Details">
      <Tabs label="Details" tabs={tabs} />
    </section>
  );
}
