// How the form is laid out: sections, fields with their help and errors, lists of parts.

import type {
  ArrayFieldItemTemplateProps,
  ArrayFieldTemplateProps,
  FieldTemplateProps,
  ObjectFieldTemplateProps,
} from "@rjsf/utils";
import type { ReactNode } from "react";
import type { Json } from "../api/types";
import { isPart } from "./kinds";
import { Errors, Marked } from "./parts";
import { same } from "./patch";
import { type FieldSchema, labelOf } from "./schema";
import { grouped, isAdvanced } from "./sections";

/** A field: what it is called, its input, what it means, and what is wrong with it. */
export function FieldTemplate(props: FieldTemplateProps) {
  const { id, children, rawErrors, required, uiSchema, fieldPathId } = props;
  const schema = props.schema as FieldSchema;
  const name = String(fieldPathId.path.at(-1) ?? "");
  if (!name) return children;
  const isItem = /^\d+$/.test(name);
  const isPlainObject = schema.type === "object" && !uiSchema?.["ui:field"];
  if (isPlainObject) return <Group id={id} errors={rawErrors} inside={children} name={name} />;
  const isWide = schema.type === "object" || schema.type === "array";
  const help = schema.description && !isItem && (
    <p className="help" id={`${id}-help`}>
      <Marked text={schema.description} />
    </p>
  );
  return (
    <div className={`field${isWide ? " wide" : ""}${schema.type === "boolean" ? " switch" : ""}`} data-field={id}>
      {!isItem && (
        <label htmlFor={id}>
          {labelOf(name)}
          {required && <span className="muted"> (required)</span>}
          {schema.unit && <span className="muted"> · {schema.unit}</span>}
        </label>
      )}
      {isWide && help}
      <div className="control">{children}</div>
      {!isWide && help}
      <Errors id={`${id}-errors`} errors={rawErrors} />
    </div>
  );
}

function Group({ id, name, errors, inside }: { id: string; name: string; errors?: string[]; inside: ReactNode }) {
  return (
    <fieldset className="group" id={id}>
      <legend className="sr-only">{labelOf(name)}</legend>
      <Errors errors={errors} />
      {inside}
    </fieldset>
  );
}

/** The fields of a part; those that most people leave alone are folded away. At the root, the form's sections. */
export function ObjectFieldTemplate(props: ObjectFieldTemplateProps) {
  const { properties, fieldPathId, errorSchema, schema, formData } = props;
  const of = (names: readonly string[]) =>
    names.flatMap((name) => properties.find((property) => property.name === name) ?? []);
  const folded = (names: readonly string[]) => (
    <Fields
      properties={of(names)}
      errors={Object.keys(errorSchema ?? {})}
      given={given(schema as FieldSchema, formData as Json | undefined)}
    />
  );
  const names = properties.map(({ name }) => name);
  if (fieldPathId.path.length) return folded(names);
  return (
    <>
      {grouped(names).map(({ title, fields }) => (
        <section key={title} className="panel form-section" aria-label={title}>
          <header>
            <h2>{title}</h2>
          </header>
          {folded(fields)}
        </section>
      ))}
    </>
  );
}

/** The fields that say something else than what holds anyway. */
const given = (schema: FieldSchema, part: Json | undefined): string[] =>
  Object.entries(isPart(part) ? part : {})
    .filter(([name, value]) => !same(value, schema.properties?.[name]?.shown ?? null))
    .map(([name]) => name);

function Fields({
  properties,
  errors,
  given,
}: {
  properties: ObjectFieldTemplateProps["properties"];
  errors: readonly string[];
  given: readonly string[];
}) {
  const advanced = properties.filter(({ name }) => isAdvanced(name));
  const isOpen = advanced.some(({ name }) => errors.includes(name));
  const set = advanced.filter(({ name }) => given.includes(name)).length;
  return (
    <div className="fields">
      {properties
        .filter(({ name }) => !isAdvanced(name))
        .map(({ name, content }) => (
          <div key={name} className="cell">
            {content}
          </div>
        ))}
      {advanced.length > 0 && (
        <details className="advanced" open={isOpen || undefined}>
          <summary>
            {advanced.length} more {advanced.length === 1 ? "setting" : "settings"}
            {set > 0 && <span className="muted"> ({set} set)</span>}
          </summary>
          <div className="fields">
            {advanced.map(({ name, content }) => (
              <div key={name} className="cell">
                {content}
              </div>
            ))}
          </div>
        </details>
      )}
    </div>
  );
}

/** A list of parts. */
export function ArrayFieldTemplate({ items, canAdd, onAddClick, title, disabled, readonly }: ArrayFieldTemplateProps) {
  return (
    <div className="parts">
      {items}
      {canAdd && !disabled && !readonly && (
        <button type="button" onClick={onAddClick}>
          Add to {title.toLowerCase()}
        </button>
      )}
    </div>
  );
}

export function ArrayFieldItemTemplate({ children, buttonsProps, index }: ArrayFieldItemTemplateProps) {
  const { hasMoveUp, hasMoveDown, hasRemove, onMoveUpItem, onMoveDownItem, onRemoveItem } = buttonsProps;
  return (
    <div className="part">
      <div className="part-body">{children}</div>
      <div className="part-actions">
        {hasMoveUp && (
          <button type="button" className="quiet" aria-label={`Move item ${index + 1} up`} onClick={onMoveUpItem}>
            ↑
          </button>
        )}
        {hasMoveDown && (
          <button type="button" className="quiet" aria-label={`Move item ${index + 1} down`} onClick={onMoveDownItem}>
            ↓
          </button>
        )}
        {hasRemove && (
          <button type="button" className="quiet" aria-label={`Remove item ${index + 1}`} onClick={onRemoveItem}>
            ✕
          </button>
        )}
      </div>
    </div>
  );
}
