// Whether a job's samples are images themselves, whose pixels can be looked at, or plots of what it generates.

import { useQuery } from "@tanstack/react-query";
import { catalogueQuery } from "../api/queries";
import type { Spec } from "../api/types";
import { isPart } from "../forms/kinds";

export function useIsImage({ dataset }: Spec): boolean {
  const { data: catalogue } = useQuery(catalogueQuery);
  const kind = isPart(dataset) ? dataset.kind : dataset;
  return catalogue?.datasets[String(kind)]?.is_image ?? false;
}
