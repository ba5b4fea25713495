// A job to be: from an example, another job, or what was filled in before.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { ApiError, post } from "../api/http";
import { jobQuery, queryClient } from "../api/queries";
import type { Job, Spec } from "../api/types";
import { keepDraft, keptDraft } from "../forms/draft";
import { PresetPicker, presetsQuery } from "../forms/PresetPicker";
import { SpecEditor } from "../forms/SpecEditor";
import { useValidation } from "../forms/useValidation";
import { Empty, Panel, Problem } from "../ui/parts";
import { freshKey } from "../ui/key";
import { useTitle } from "../ui/useTitle";

const FIRST = "digits";
const NONE: never[] = [];

export default function NewJobPage() {
  const from = new URLSearchParams(useSearch()).get("from");
  const begun = useBeginning(from);
  useTitle("New job");
  if (begun.error) return <Problem error={begun.error} />;
  if (!begun.spec) return <Empty>Loading …</Empty>;
  return <NewJob key={from} beginning={begun.spec} />;
}

/** Another job's spec where one is named, else the draft that was kept, else an example that trains in a minute. */
function useBeginning(from: string | null): { spec: Spec | null; error: Error | null } {
  const kept = useMemo(() => (from ? null : keptDraft()), [from]);
  const other = useQuery({ ...jobQuery(from ?? ""), enabled: from !== null });
  const presets = useQuery({ ...presetsQuery, enabled: from === null && kept === null });
  const example = presets.data?.find(({ file }) => file === FIRST) ?? presets.data?.[0];
  return { spec: kept ?? other.data?.spec ?? example?.spec ?? null, error: other.error ?? presets.error };
}

function NewJob({ beginning }: { beginning: Spec }) {
  const [spec, setSpecHeld] = useState(beginning);
  // A form that is filled anew is drawn anew: nothing of what was typed before stays in it.
  const [filling, setFilling] = useState(0);
  const [isChoosing, setChoosing] = useState(false);
  const validity = useValidation(spec);
  const { submit, isSending, error, forget } = useSubmit(spec);
  const setSpec = (next: Spec) => {
    setSpecHeld(next);
    keepDraft(next);
    forget();
  };
  const refused = error instanceof ApiError ? error.fields : NONE;
  return (
    <>
      <div className="page-title">
        <h1>New job</h1>
        <button type="button" onClick={() => setChoosing(true)}>
          Examples …
        </button>
      </div>
      <SpecEditor key={filling} {...{ spec, setSpec, validity, refused }}>
        <Submit
          isReady={!isSending && validity.isCurrent && validity.isValid}
          isSending={isSending}
          submit={submit}
          error={refused.length ? null : error}
        />
      </SpecEditor>
      {isChoosing && (
        <PresetPicker
          close={() => setChoosing(false)}
          choose={(preset) => {
            setSpec(preset.spec);
            setFilling(filling + 1);
            setChoosing(false);
          }}
        />
      )}
    </>
  );
}

interface SubmitProps {
  isReady: boolean;
  isSending: boolean;
  submit: () => void;
  /** What went wrong where no field is at fault. */
  error: Error | null;
}

const Submit = ({ isReady, isSending, submit, error }: SubmitProps) => (
  <Panel title="Submit">
    <div className="panel-body">
      <button type="button" className="primary" disabled={!isReady} onClick={() => submit()}>
        {isSending ? "Submitting …" : "Submit the job"}
      </button>
      {error && <Problem error={error} />}
    </div>
  </Panel>
);

/** Sends the spec under a key of its own, so that one that is sent again makes no second job. */
function useSubmit(spec: Spec) {
  const [, navigate] = useLocation();
  const key = useRef(freshKey());
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: () => post<Job>("/v1/jobs", spec, key.current),
    onSuccess: (job) => {
      keepDraft(null);
      queryClient.setQueryData(jobQuery(job.id).queryKey, job);
      navigate(`/jobs/${job.id}`);
    },
  });
  const forget = () => {
    if (!error) return;
    key.current = freshKey();
    reset();
  };
  return { submit: mutate, isSending: isPending, error, forget };
}
