// Fields of one value: numbers, words, choices, switches.

import { useState } from "react";
import type { Json } from "../api/types";
import { type FieldProps, inputOf, setOf } from "./parts";
import type { FieldSchema } from "./schema";

const shownText = (schema: FieldSchema): string => {
  if (schema.shown === null || schema.shown === undefined) return schema.none ? "none" : "";
  return String(schema.shown);
};

/** A number as it is typed: 2e-4 stays 2e-4 while somebody types it. What is no number goes to the service as it is. */
export function NumberField(props: FieldProps) {
  const { schema, formData } = props;
  const [typed, setTyped] = useState("");
  if (schema.enum) return <Choice {...props} />;
  const text = valueOf(typed) === (formData ?? undefined) ? typed : String(formData ?? "");
  return (
    <input
      {...inputOf(props)}
      type="text"
      inputMode={schema.type === "integer" ? "numeric" : "decimal"}
      autoComplete="off"
      value={text}
      placeholder={shownText(schema)}
      onChange={(event) => {
        setTyped(event.target.value);
        setOf(props)(valueOf(event.target.value));
      }}
    />
  );
}

export function valueOf(typed: string): Json | undefined {
  const text = typed.trim();
  if (!text) return undefined;
  const value = Number(text);
  return Number.isFinite(value) && /^[-+.\d]/.test(text) ? value : text;
}

const NAMES_EVALUATION = ["best_metric", "metric"];

export function StringField(props: FieldProps) {
  const { schema, formData, name } = props;
  if (schema.enum) return <Choice {...props} />;
  const evaluations = NAMES_EVALUATION.includes(name) ? (props.registry.formContext?.evaluations ?? []) : [];
  const input = inputOf(props);
  return (
    <>
      <input
        {...input}
        type="text"
        autoComplete="off"
        spellCheck={false}
        list={evaluations.length ? `${input.id}-list` : undefined}
        value={formData === null || formData === undefined ? "" : String(formData)}
        placeholder={shownText(schema)}
        onChange={(event) => setOf(props)(event.target.value || undefined)}
      />
      {evaluations.length > 0 && (
        <datalist id={`${input.id}-list`}>
          {evaluations.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </>
  );
}

function Choice(props: FieldProps) {
  const { schema, formData } = props;
  const options = schema.enum ?? [];
  const value = formData ?? schema.shown ?? "";
  return (
    <select
      {...inputOf(props)}
      value={String(value)}
      onChange={(event) => setOf(props)(options.find((option) => String(option) === event.target.value))}
    >
      {!options.includes(value) && <option value={String(value)}>{value === "" ? "choose …" : String(value)}</option>}
      {options.map((option) => (
        <option key={String(option)} value={String(option)}>
          {String(option)}
          {option === schema.shown ? " (default)" : ""}
        </option>
      ))}
    </select>
  );
}

export function BooleanField(props: FieldProps) {
  const { schema, formData } = props;
  return (
    <input
      {...inputOf(props)}
      type="checkbox"
      checked={Boolean(formData ?? schema.shown)}
      onChange={(event) => setOf(props)(event.target.checked)}
    />
  );
}
