// What the service says of a spec, as one types.

import { useEffect, useState } from "react";
import { ApiError, post } from "../api/http";
import type { Equilibrium, MetricFacts, ProblemField, Spec } from "../api/types";

const WAIT = 400;
/** After which it is asked again where it could not be reached. */
const AGAIN = 3_000;

export interface Validation {
  spec: Spec;
  equilibrium: Equilibrium;
  logit_is_probability: boolean;
  metrics: MetricFacts[];
  evaluations: { name: string; unit: string; description: string; better: "higher" | "lower" | null }[];
}

export interface Validity {
  /** Whether what is said is of the spec as it is. */
  isCurrent: boolean;
  /** What the last valid spec would make. */
  made: Validation | null;
  errors: ProblemField[];
  /** What went wrong where no field is at fault. */
  failure: Error | null;
  isValid: boolean;
}

const NOTHING: Validity = { isCurrent: false, made: null, errors: [], failure: null, isValid: false };

/** Asks when nothing was changed for a moment. An answer that comes when the spec is another already is passed over. */
export function useValidation(spec: Spec | null): Validity {
  const [validity, setValidity] = useState(NOTHING);
  const body = spec && JSON.stringify(spec);
  useEffect(() => {
    if (body === null) return;
    let isLatest = true;
    let timer = 0;
    const ask = async () => {
      const outcome = await asked(JSON.parse(body) as Spec);
      if (!isLatest) return;
      setValidity((before) => ({ ...outcome, made: outcome.made ?? before.made }));
      if (outcome.failure) timer = window.setTimeout(ask, AGAIN);
    };
    setValidity((before) => ({ ...before, isCurrent: false }));
    timer = window.setTimeout(ask, WAIT);
    return () => {
      isLatest = false;
      window.clearTimeout(timer);
    };
  }, [body]);
  return validity;
}

async function asked(spec: Spec): Promise<Validity> {
  try {
    const made = await post<Validation>("/v1/jobs/validate", spec);
    return { isCurrent: true, made, errors: [], failure: null, isValid: true };
  } catch (error) {
    const known = error instanceof ApiError ? error : new ApiError(String(error), 0);
    const isOfFields = known.fields.length > 0;
    return { ...NOTHING, isCurrent: true, errors: known.fields, failure: isOfFields ? null : known };
  }
}
