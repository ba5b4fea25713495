// Health in words: how sure a verdict is, and what its advice is about.

import type { Health, Json } from "../api/types";

/** A confidence in words that fit its number. */
export function confidenceWord(confidence: number): string {
  if (confidence >= 0.8) return "high confidence";
  return confidence >= 0.5 ? "moderate confidence" : "low confidence";
}

/** Whether a report rests on an assessment: what is said of a job before there is one comes without evidence. */
export const isAssessed = ({ evidence, confidence }: Pick<Health, "evidence" | "confidence">): boolean =>
  evidence.length > 0 || confidence > 0;

/** What an advice's field is in a spec now: fields.of.it by name; undefined where the spec has none such. */
export function valueAt(spec: Json, field: string): Json | undefined {
  let found: Json | undefined = spec;
  for (const part of field.split(".")) {
    if (found === null || typeof found !== "object") return undefined;
    found = Array.isArray(found) ? found[Number(part)] : found[part];
  }
  return found;
}
