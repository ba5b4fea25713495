// What the generator was worth, evaluation by evaluation, on the steps of the curves.

import { useQuery } from "@tanstack/react-query";
import { useId, useMemo, useState } from "react";
import { catalogueQuery, evaluationsQuery } from "../api/queries";
import type { Evaluation, Job } from "../api/types";
import { useJobPart, usePlace } from "../job/context";
import { useCursor } from "../job/cursor";
import { count, number, words } from "../ui/format";
import { Problem } from "../ui/parts";
import { bestOf, evaluationOption, type Facts, pointsOf } from "./evaluation";
import { Plot } from "./Plot";
import { useShared } from "./shared";
import { usePicture } from "./usePicture";

export function Evaluations() {
  const place = usePlace();
  const evaluated = useJobPart(wasEvaluated);
  const { data: evaluations, error, refetch } = useQuery(evaluationsQuery(place.id));
  const { data: catalogue } = useQuery(catalogueQuery);
  const [chosen, choose] = useState<string | null>(null);
  const names = useMemo(
    () => [...new Set((evaluations ?? []).flatMap(({ values }) => Object.keys(values)))],
    [evaluations],
  );
  if (error && !evaluations) return <Problem error={error} retry={() => void refetch()} />;
  const name = chosen !== null && names.includes(chosen) ? chosen : names[0];
  // Its place is kept where there is to be something.
  if (!evaluations && evaluated) return <div className="evaluations-place" />;
  if (!evaluations || name === undefined) return null;
  const facts = catalogue?.evaluations.find((each) => each.name === name) ?? null;
  return <OfName key={name} name={name} names={names} choose={choose} evaluations={evaluations} facts={facts} />;
}

const wasEvaluated = ({ latest_evaluation }: Job): boolean => latest_evaluation !== null;

interface Props {
  name: string;
  names: string[];
  choose: (name: string) => void;
  evaluations: Evaluation[];
  facts: Facts | null;
}

function OfName({ name, names, choose, evaluations, facts }: Props) {
  const id = useId();
  const { range, colours } = useShared();
  const [box, drawn] = usePicture();
  const points = useMemo(() => pointsOf(evaluations, name), [evaluations, name]);
  const best = bestOf(points, facts?.better ?? null);
  const option = useMemo(
    () => evaluationOption(points, best, { range: drawn.range, colours }),
    [points, best?.step, drawn, colours],
  );
  const better = facts?.better ? `${facts.better} is better` : "neither way is better";
  const said = best ? ` Best: ${number(best.value)} at step ${count(best.step)}.` : "";
  return (
    <figure className="figure" data-figure="evaluations" ref={box}>
      <figcaption>
        <h3 id={id}>Evaluations</h3>
        <select aria-labelledby={id} value={name} onChange={(event) => choose(event.target.value)}>
          {names.map((each) => (
            <option key={each} value={each}>
              {words(each)}
            </option>
          ))}
        </select>
        <AtCursor evaluations={evaluations} name={name} unit={facts?.unit ?? ""} />
      </figcaption>
      <Plot
        steps
        option={option}
        height={150}
        label={`${words(name)} of ${points.length} evaluations, ${better}.${said}`}
      />
      <p className="note">
        {points.every(({ step }) => step < range[0] || step > range[1]) && "None in these steps. "}
        {facts?.description} {better[0]?.toUpperCase() + better.slice(1)}.{said}
      </p>
    </figure>
  );
}

/** The last evaluation up to the step that is looked at. */
function AtCursor({ evaluations, name, unit }: { evaluations: Evaluation[]; name: string; unit: string }) {
  const step = useCursor(usePlace().cursor);
  const found = evaluations.findLast((each) => step === null || each.step <= step) ?? evaluations[0];
  if (!found) return null;
  return (
    <span className="legend">
      <b>{number(found.values[name])}</b> {unit} <small>at step {count(found.step)}</small>
    </span>
  );
}
