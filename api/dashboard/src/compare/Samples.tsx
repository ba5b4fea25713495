// The samples of the compared jobs at one place of the axis: of each the last one that it had drawn by then.

import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { sampleStepsQuery, sampleUrl } from "../api/queries";
import { FINAL, type Job, type SampleSteps } from "../api/types";
import { type Cursor, useCursor } from "../job/cursor";
import { Controls, SpaceBar } from "../samples/Controls";
import { Frame } from "../samples/Frame";
import { pictures } from "../samples/pictures";
import { atOrBefore, indexAt } from "../samples/steps";
import { useIsImage } from "../samples/useIsImage";
import { usePicture, usePreloaded } from "../samples/usePicture";
import { usePlayer } from "../samples/usePlayer";
import { count, title } from "../ui/format";
import { Panel } from "../ui/parts";
import { type Along, placeInWords, placeOf, stepOf } from "./lines";
import { Swatch } from "./styles";

/** How many images of each job are loaded before they are wanted. */
const AHEAD = 4;
const EVERY = 5_000;

interface Props {
  jobs: readonly Job[];
  places: readonly number[];
  along: Along;
  cursor: Cursor;
}

export function Samples({ jobs, places, along, cursor }: Props) {
  const { drawn, coming } = useDrawn(jobs);
  const all = useMemo(() => {
    const found = jobs.flatMap(({ steps }, at) => drawn[at]?.steps.map((step) => placeOf(step, steps, along)) ?? []);
    return [...new Set(found)].sort((a, b) => a - b);
  }, [jobs, drawn, along]);
  const [kept, setKept] = useState<number | null>(null);
  const pointed = useCursor(cursor);
  const wanted = pointed ?? kept;
  const index = wanted === null ? all.length - 1 : indexAt(all, wanted);
  const go = (to: number) => {
    const place = to >= all.length - 1 ? null : (all[Math.max(0, to)] ?? null);
    setKept(place);
    cursor.set(place);
  };
  const stepAt = (at: number, place: number) =>
    atOrBefore(drawn[at]?.steps ?? [], Math.round(stepOf(place, jobs[at]?.steps ?? 1, along) * 1e6) / 1e6);
  const urlsAt = (place: number) =>
    jobs.flatMap((job, at) => {
      const step = stepAt(at, place);
      return step === null ? [] : [sampleUrl(job.id, step)];
    });
  const ready = (next: number) => urlsAt(all[next] as number).every((url) => pictures.settled(url));
  const player = usePlayer({ length: all.length, index, go, ready });
  usePreloaded(player.playing ? all.slice(index + 1, index + 1 + AHEAD).flatMap(urlsAt) : []);
  if (all.length === 0 && !coming) return null;
  const place = all[index] ?? 0;
  const at = wanted === null ? "The newest of each" : `At ${placeInWords(place, along)} or last before`;
  return (
    <Panel title="Samples" className="compare-samples">
      <SpaceBar player={player}>
        <div className="sample-body">
          <p className="muted">{at}</p>
          <Controls timeline={{ steps: all, index, go }} player={player} words={(each) => placeInWords(each, along)} />
          <ul className="compare-pictures">
            {jobs.map((job, each) => (
              <One
                key={job.id}
                job={job}
                index={places[each] as number}
                step={stepAt(each, place)}
                drawn={drawn[each]}
              />
            ))}
          </ul>
        </div>
      </SpaceBar>
    </Panel>
  );
}

interface Drawn {
  drawn: (SampleSteps | undefined)[];
  /** Whether any has not been answered yet. */
  coming: boolean;
}

const together = (answers: readonly { data: SampleSteps | undefined; isPending: boolean }[]): Drawn => ({
  drawn: answers.map(({ data }) => data),
  coming: answers.some(({ isPending }) => isPending),
});

function useDrawn(jobs: readonly Job[]): Drawn {
  return useQueries({
    queries: jobs.map((job) => ({
      ...sampleStepsQuery(job.id),
      refetchInterval: FINAL.includes(job.status) ? (false as const) : EVERY,
    })),
    combine: together,
  });
}

interface OneProps {
  job: Job;
  index: number;
  step: number | null;
  drawn: SampleSteps | undefined;
}

function One({ job, index, step, drawn }: OneProps) {
  const shown = usePicture(step === null ? null : sampleUrl(job.id, step));
  const crisp = useIsImage(job.spec);
  const label = step === null ? `No sample of ${title(job)}` : `Sample of ${title(job)}, step ${count(step)}`;
  return (
    <li>
      <Frame shown={shown} label={label} width={drawn?.width ?? 1} height={drawn?.height ?? 1} crisp={crisp} />
      <p>
        <Swatch index={index} />
        <span className="compare-name">{title(job)}</span>
        <span className="muted">{step === null ? "no sample yet" : `step ${count(step)}`}</span>
      </p>
    </li>
  );
}
