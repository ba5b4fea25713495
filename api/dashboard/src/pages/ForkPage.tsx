// A job that goes on from another's checkpoint, with what is to be different.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { ApiError, post } from "../api/http";
import { checkpointsQuery, jobQuery, queryClient, segmentsQuery } from "../api/queries";
import type { Checkpoint, Job, Spec } from "../api/types";
import { differences } from "../compare/diff";
import { isFixedInFork, stepsAfter, tooShortFor } from "../forms/fork";
import { goTo } from "../forms/Outcome";
import { mergePatch, remedied } from "../forms/patch";
import { SpecEditor } from "../forms/SpecEditor";
import { useValidation } from "../forms/useValidation";
import { DifferenceTable } from "../panels/DifferenceTable";
import { freshKey } from "../ui/key";
import { age, count, number, title, words } from "../ui/format";
import { Empty, Panel, Problem } from "../ui/parts";
import { useTitle } from "../ui/useTitle";

const NONE: never[] = [];

export default function ForkPage({ id }: { id: string }) {
  const job = useQuery(jobQuery(id));
  const checkpoints = useQuery(checkpointsQuery(id));
  const segments = useQuery({ ...segmentsQuery(id), enabled: Boolean(job.data?.rollbacks) });
  const error = job.error ?? checkpoints.error ?? segments.error;
  useTitle(job.data ? `Fork ${title(job.data)}` : null);
  if (error) return <Problem error={error} />;
  if (!job.data || !checkpoints.data || (job.data.rollbacks > 0 && !segments.data)) return <Empty>Loading …</Empty>;
  if (!checkpoints.data.length)
    return (
      <Empty>
        {title(job.data)} has no checkpoint to go on from. <Link href={`/jobs/${id}`}>Back to it</Link>
      </Empty>
    );
  const base = remedied(job.data.spec, segments.data ?? []);
  return <Fork job={job.data} base={base} checkpoints={checkpoints.data} />;
}

interface ForkProps {
  job: Job;
  base: Spec;
  checkpoints: Checkpoint[];
}

function Fork({ job, base: newest, checkpoints }: ForkProps) {
  // What the job does meanwhile is not to change the form under the hands of who fills it.
  const [base] = useState(newest);
  const { step, spec, setStep, setSpec: setSpecHeld } = useForkForm(base, checkpoints);
  const validity = useValidation(spec);
  const changes = useMemo(() => mergePatch(base, spec), [base, spec]);
  const { submit, isSending, error, forget } = useFork(job, step, changes);
  const setSpec = (next: Spec) => {
    setSpecHeld(next);
    forget();
  };
  const goOnFrom = (next: number) => {
    setStep(next);
    forget();
  };
  const refused = error instanceof ApiError ? error.fields.filter((each) => each.field && each.in === "body") : NONE;
  const tooShort = useMemo(() => tooShortFor(spec, step), [spec, step]);
  const isReady = !isSending && validity.isCurrent && validity.isValid && !tooShort.length;
  const wrong = tooShort.length ? tooShort : refused;
  return (
    <>
      <div className="page-title">
        <h1>
          Fork <Link href={`/jobs/${job.id}`}>{title(job)}</Link>
        </h1>
      </div>
      <SpecEditor {...{ spec, setSpec, validity, refused: wrong, isFixed: isFixedInFork }}>
        <Panel title="Go on from">
          <div className="panel-body">
            <From step={step} checkpoints={checkpoints} go={goOnFrom} />
            <Changes base={base} spec={spec} />
            <button type="button" className="primary" disabled={!isReady} onClick={() => submit()}>
              {isSending ? "Forking …" : "Fork the job"}
            </button>
            {error && !refused.length && <Problem error={error} />}
          </div>
        </Panel>
      </SpecEditor>
    </>
  );
}

/** The checkpoint and the spec of a fork, begun as the address asks: a step to go on from, a field to be changed. */
function useForkForm(base: Spec, checkpoints: readonly Checkpoint[]) {
  const search = new URLSearchParams(useSearch());
  const asked = Number(search.get("step"));
  const field = search.get("field");
  const [step, setStepHeld] = useState(
    checkpoints.find((each) => each.step === asked)?.step ?? checkpoints[0]?.step ?? 0,
  );
  const [spec, setSpec] = useState<Spec>(() => ({ ...base, steps: stepsAfter(base, step) }));
  const setStep = (next: number) => {
    setStepHeld(next);
    setSpec({ ...spec, steps: Math.max(Number(spec.steps) || 0, stepsAfter(base, next)) });
  };
  useEffect(() => {
    if (!field) return;
    const timer = window.setTimeout(() => goTo(field), 300);
    return () => window.clearTimeout(timer);
  }, [field]);
  return { step, spec, setStep, setSpec };
}

const From = (props: { step: number; checkpoints: readonly Checkpoint[]; go: (step: number) => void }) => (
  <label className="stacked">
    Checkpoint
    <select value={props.step} onChange={(event) => props.go(Number(event.target.value))}>
      {props.checkpoints.map((each) => (
        <option key={each.step} value={each.step}>
          {described(each)}
        </option>
      ))}
    </select>
  </label>
);

const described = ({ step, created_at, best }: Checkpoint): string =>
  `step ${count(step)}, ${age(created_at)}${best ? `, best by ${words(best.metric)}: ${number(best.value)}` : ""}`;

function Changes({ base, spec }: { base: Spec; spec: Spec }) {
  const rows = useMemo(
    () => differences([base, spec]).map(({ path, values: [before, after] }) => ({ path, before, after })),
    [base, spec],
  );
  return (
    <section aria-label="What will differ">
      <h3>What will differ</h3>
      {rows.length ? <DifferenceTable rows={rows} /> : <p className="muted">Nothing.</p>}
    </section>
  );
}

function useFork(job: Job, step: number, changes: Spec) {
  const [, navigate] = useLocation();
  const key = useRef(freshKey());
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: () => post<Job>(`/v1/jobs/${job.id}/fork`, { step, changes }, key.current),
    onSuccess: (made) => {
      queryClient.setQueryData(jobQuery(made.id).queryKey, made);
      navigate(`/jobs/${made.id}`);
    },
  });
  const forget = () => {
    if (!error) return;
    key.current = freshKey();
    reset();
  };
  return { submit: mutate, isSending: isPending, error, forget };
}
