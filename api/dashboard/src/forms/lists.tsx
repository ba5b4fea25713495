// Fields of several values: lists of numbers, rows of numbers, choices, labels.

import { useState } from "react";
import { parse, stringify } from "yaml";
import type { Json } from "../api/types";
import { flattened } from "./errors";
import { isPart } from "./kinds";
import { Errors, type FieldProps, inputOf, setOf } from "./parts";
import { valueOf } from "./scalars";

/** Plain values side by side. A list of fixed length has no buttons to add and remove. */
export function ListField(props: FieldProps) {
  const { schema, formData, errorSchema } = props;
  const input = inputOf(props);
  const given = Array.isArray(formData) ? formData : Array.isArray(schema.shown) ? schema.shown : [];
  const values = schema.tuple ? schema.tuple.map((_, index) => given[index] ?? null) : given;
  const isFixed = Boolean(schema.tuple);
  const set = setOf(props);
  const last = values.at(-1) ?? 1;
  return (
    <div className="list-field">
      {values.map((value, index) => (
        <span key={index} className="list-item">
          <Item
            {...input}
            id={index ? `${input.id}_${index}` : input.id}
            label={`${schema.title ?? "Item"} ${index + 1}`}
            value={value}
            set={(next) => set(values.map((each, at) => (at === index ? (next ?? null) : each)))}
          />
          {!isFixed && values.length > (schema.minItems ?? 0) && (
            <button
              type="button"
              className="quiet"
              disabled={input.disabled}
              aria-label={`Remove item ${index + 1}`}
              onClick={() => set(values.filter((_, at) => at !== index))}
            >
              ✕
            </button>
          )}
        </span>
      ))}
      {!isFixed && values.length < (schema.maxItems ?? Number.POSITIVE_INFINITY) && (
        <button type="button" disabled={input.disabled} onClick={() => set([...values, last])}>
          Add
        </button>
      )}
      <Errors errors={flattened(errorSchema)} />
    </div>
  );
}

type ItemProps = { id: string; label: string; value: Json; set: (value: Json | undefined) => void; disabled: boolean };

function Item({ label, value, set, ...input }: ItemProps) {
  const [typed, setTyped] = useState("");
  const text = valueOf(typed) === (value ?? undefined) ? typed : String(value ?? "");
  return (
    <input
      {...input}
      type="text"
      inputMode="decimal"
      autoComplete="off"
      aria-label={label}
      value={text}
      onChange={(event) => {
        setTyped(event.target.value);
        set(valueOf(event.target.value));
      }}
    />
  );
}

/** Rows of numbers, as text: one list of lists. */
export function RowsField(props: FieldProps) {
  const { formData, errorSchema, schema } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const written = formData === undefined ? "" : stringify(formData, { collectionStyle: "flow", lineWidth: 60 });
  const read = typed === null ? formData : readRows(typed);
  const text = typed !== null && JSON.stringify(read) === JSON.stringify(formData) ? typed : written;
  const example = schema.examples;
  return (
    <>
      <textarea
        {...inputOf(props)}
        rows={3}
        spellCheck={false}
        className="mono"
        placeholder={example?.[0] ? JSON.stringify(example[0]) : ""}
        value={text}
        onChange={(event) => {
          setTyped(event.target.value);
          setOf(props)(readRows(event.target.value));
        }}
      />
      <Errors errors={flattened(errorSchema)} />
    </>
  );
}

/** What is no list yet goes to the service as it is typed, which says so. */
function readRows(text: string): Json | undefined {
  if (!text.trim()) return undefined;
  try {
    return parse(text) as Json;
  } catch {
    return text;
  }
}

/** Some of a few. */
export function ChoicesField(props: FieldProps) {
  const { schema, formData, errorSchema } = props;
  const { id, disabled } = inputOf(props);
  const options = schema.items?.enum ?? [];
  const chosen = Array.isArray(formData) ? formData : Array.isArray(schema.shown) ? schema.shown : [];
  return (
    <div className="choices" role="group" aria-label={schema.title} id={id}>
      {options.map((option) => (
        <label key={String(option)}>
          <input
            type="checkbox"
            disabled={disabled}
            checked={chosen.includes(option)}
            onChange={(event) =>
              setOf(props)(options.filter((each) => (each === option ? event.target.checked : chosen.includes(each))))
            }
          />
          {String(option)}
        </label>
      ))}
      <Errors errors={flattened(errorSchema)} />
    </div>
  );
}

type Label = readonly [name: string, value: string];

/** Labels of one's own: a name and a value in each row. Rows keep their places while they are edited. */
export function LabelsField(props: FieldProps) {
  const { formData, errorSchema } = props;
  const { id, disabled } = inputOf(props);
  const given = isPart(formData) ? Object.entries(formData).map(([name, value]) => [name, String(value)] as const) : [];
  const [edited, setEdited] = useState<Label[] | null>(null);
  const meant = edited && Object.fromEntries(edited.filter(([name]) => name));
  const rows = edited && JSON.stringify(meant) === JSON.stringify(formData ?? {}) ? edited : given;
  const set = (next: Label[]) => {
    setEdited(next);
    const labels = Object.fromEntries(next.filter(([name]) => name));
    setOf(props)(Object.keys(labels).length ? labels : undefined);
  };
  return (
    <div className="labels" id={id}>
      {rows.map((row, index) => (
        <LabelRow
          key={index}
          {...{ row, index, disabled }}
          set={(next) => set(rows.map((each, at) => (at === index ? next : each)))}
          remove={() => set(rows.filter((_, at) => at !== index))}
        />
      ))}
      <button type="button" disabled={disabled} onClick={() => set([...rows, ["", ""]])}>
        Add a label
      </button>
      <Errors errors={flattened(errorSchema)} />
    </div>
  );
}

interface LabelRowProps {
  row: Label;
  index: number;
  disabled: boolean | undefined;
  set: (row: Label) => void;
  remove: () => void;
}

const LabelRow = ({ row: [name, value], index, disabled, set, remove }: LabelRowProps) => (
  <div className="label-row">
    <input
      type="text"
      aria-label={`Label ${index + 1}: name`}
      placeholder="name"
      disabled={disabled}
      value={name}
      onChange={(event) => set([event.target.value, value])}
    />
    <input
      type="text"
      aria-label={`Label ${index + 1}: value`}
      placeholder="value"
      disabled={disabled}
      value={value}
      onChange={(event) => set([name, event.target.value])}
    />
    <button
      type="button"
      className="quiet"
      aria-label={`Remove label ${name || index + 1}`}
      disabled={disabled}
      onClick={remove}
    >
      ✕
    </button>
  </div>
);
