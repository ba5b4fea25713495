// What was said of the steps of the job that is shown.

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { intervalsQuery, segmentsQuery } from "../api/queries";
import { beginOf, type Judged, judged } from "../curves/verdicts";
import type { Job } from "../api/types";
import { useJobPart, usePlace } from "./context";

const startOf = ({ start_step }: Job) => ({ start_step });

export function useVerdicts(): Judged[] {
  const { id, segment } = usePlace();
  const start = useJobPart(startOf);
  const { data: intervals } = useQuery(intervalsQuery(id, segment));
  const { data: segments } = useQuery({ ...segmentsQuery(id), enabled: segment !== null });
  const begin = beginOf(start, segment, segments);
  return useMemo(() => judged(intervals ?? [], begin), [intervals, begin]);
}
