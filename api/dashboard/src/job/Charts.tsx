// The curves of a job: one axis of steps for all of them, followed live, and asked for again where one looks closer.

import "../styles/charts.css";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { catalogueQuery } from "../api/queries";
import type { Job, MetricBuckets } from "../api/types";
import { ChartsGroup } from "../charts/ChartsGroup";
import { extraFigures, mainFigures } from "../charts/figures";
import { type Settings, useSettings } from "../charts/settings";
import { SharedContext, Watched } from "../charts/shared";
import { Switches } from "../charts/Switches";
import { type Colours, useColours } from "../charts/theme";
import { type Range, type View, viewOf, written } from "../curves/range";
import { recorded } from "../curves/reading";
import { type Curves, useCurves } from "../curves/useCurves";
import { Panel } from "../ui/parts";
import { useJobPart } from "./context";
import { useVerdicts } from "./useVerdicts";

export function Charts() {
  const [view, show] = useView();
  const curves = useCurves(view);
  const [settings, change] = useSettings();
  const { equilibrium, loss, recordsProbability } = useJobPart(lossFactsOf);
  const { data: catalogue } = useQuery(catalogueQuery);
  // Known before the curves are, so that the switches have their places.
  const probable = recordsProbability ?? catalogue?.losses[loss]?.logit_is_probability;
  const has = { logits: probable ?? true, total: equilibrium.total_loss !== null };
  return (
    <Panel title="Curves" className="charts-panel" actions={<Switches settings={settings} change={change} has={has} />}>
      <Drawn curves={curves} view={view} show={show} settings={settings} />
    </Panel>
  );
}

const NOTHING: Range = [0, 1];

interface DrawnProps {
  curves: Curves;
  view: View;
  show: (view: View) => void;
  settings: Settings;
}

function Drawn({ curves, view, show, settings }: DrawnProps) {
  const colours = useColours();
  const [selection] = useState(() => new Watched<Range | null>(null));
  const { isPending } = useQuery(catalogueQuery);
  const curve = curves.drawn ?? EMPTY;
  const [extent, range] = [curves.extent ?? NOTHING, curves.range ?? NOTHING];
  const intervals = useVerdicts();
  const figures = useFigures(curve, settings, colours);
  const known = curves.drawn !== null && !isPending;
  const whole = curves.whole ?? EMPTY;
  const shared = { known, curve, whole, extent, range, view, show, intervals, selection, settings, colours };
  return (
    <SharedContext.Provider value={shared}>
      <ChartsGroup curves={curves} figures={figures} />
    </SharedContext.Provider>
  );
}

/** The charts that the job has, the same objects while nothing of them changes. */
function useFigures(curve: MetricBuckets, settings: Settings, colours: Colours) {
  const { loss, equilibrium: levels } = useJobPart(lossFactsOf);
  const { data: catalogue } = useQuery(catalogueQuery);
  const facts = catalogue?.losses[loss] ?? null;
  const names = recorded(curve).join();
  const { d_loss, g_loss, total_loss } = levels;
  return useMemo(() => {
    const equilibrium = { d_loss, g_loss, total_loss };
    const known = { recorded: names ? names.split(",") : [], equilibrium, facts, settings, colours };
    return { main: mainFigures(known), extra: extraFigures(known) };
  }, [names, d_loss, g_loss, total_loss, facts, settings, colours]);
}

const EMPTY: MetricBuckets = {
  object: "metric_buckets",
  job_id: "",
  segment: 0,
  bucket_steps: 1,
  first_step: [],
  last_step: [],
  count: [],
  columns: {},
  next_step: 0,
};

/** What the charts need to know of a job. Whether D answers with probabilities is null until something is recorded. */
const lossFactsOf = ({ equilibrium, spec, latest_metrics: newest }: Job) => ({
  equilibrium,
  loss: lossOf(spec),
  recordsProbability: newest && newest.d_real != null,
});

/** The kind of loss that a spec names. */
function lossOf({ loss }: { loss?: unknown }): string {
  return typeof loss === "object" && loss !== null && "kind" in loss ? String(loss.kind) : String(loss);
}

/** The view that the address names: so it can be handed on, and the browser's buttons keep it. */
function useView(): [View, (view: View) => void] {
  const [query, setQuery] = useSearchParams();
  // By what it says: the address holds other things too, which change while one looks.
  const text = written(new URLSearchParams(), viewOf(query)).toString();
  const view = useMemo(() => viewOf(new URLSearchParams(text)), [text]);
  const show = useCallback((next: View) => setQuery((now) => written(now, next), { replace: true }), [setQuery]);
  return [view, show];
}
