// What the fields of the form have in common.

import type { ErrorSchema, FieldPathId, FieldPathList } from "@rjsf/utils";
import { type ComponentType, Fragment } from "react";
import type { Json } from "../api/types";
import type { FieldSchema } from "./schema";

/** What every field can ask the form for. */
export interface Context {
  /** Whether a field cannot be changed: in a fork, the networks. */
  isFixed?: (path: readonly (string | number)[]) => boolean;
  /** Names of evaluations, to choose from where one is meant. */
  evaluations: readonly string[];
}

/** What rjsf hands to a field, as far as ours use it. */
export interface FieldProps {
  name: string;
  schema: FieldSchema;
  formData?: Json;
  fieldPathId: FieldPathId;
  onChange: (value: Json | undefined, path: FieldPathList) => void;
  errorSchema?: ErrorSchema;
  rawErrors?: string[];
  disabled?: boolean;
  readonly?: boolean;
  registry: { formContext?: Context; fields: Record<string, ComponentType<object>> };
}

/** What an input needs to be one of the form: its id, who explains it, and whether it can be changed. */
export function inputOf(props: FieldProps) {
  const { $id: id, path } = props.fieldPathId;
  const hasErrors = Boolean(props.rawErrors?.length);
  const last = path.at(-1);
  return {
    id,
    // The items of a list have no label of their own.
    "aria-label": typeof last === "number" ? `Item ${last + 1}` : undefined,
    name: id,
    "aria-describedby": `${id}-help ${id}-errors`,
    "aria-invalid": hasErrors || undefined,
    disabled: Boolean(props.disabled || props.readonly || props.registry.formContext?.isFixed?.(path)),
  };
}

/** Sets the field to a value; undefined takes it out of the spec. */
export const setOf = (props: FieldProps) => (value: Json | undefined) => props.onChange(value, props.fieldPathId.path);

/** Text in which `code` is marked as in the schema's descriptions. */
export const Marked = ({ text }: { text: string }) => (
  <>
    {text.split("`").map((piece, index) => (
      <Fragment key={index}>{index % 2 ? <code>{piece}</code> : piece}</Fragment>
    ))}
  </>
);

export const Errors = ({ id, errors }: { id?: string; errors: readonly string[] | undefined }) => (
  <ul className="field-errors" id={id}>
    {errors?.map((error) => (
      <li key={error}>{error}</li>
    ))}
  </ul>
);
