// The JSON Schema of a spec in the shape that the form is drawn from: nothing in it is left to be guessed.
//
// A union by `kind` becomes one object with its `kinds`, what may be null a field with `none`, and a default is what is
// `shown` where nothing is given. References are followed. rjsf would match data against each branch of a union to find
// the one meant; `kind` says it.

import type { UiSchema } from "@rjsf/utils";
import type { Json } from "../api/types";

export interface FieldSchema {
  type?: string;
  title?: string;
  description?: string;
  unit?: string;
  examples?: Json[];
  enum?: Json[];
  const?: Json;
  minItems?: number;
  maxItems?: number;
  required?: string[];
  properties?: Record<string, FieldSchema>;
  additionalProperties?: unknown;
  items?: FieldSchema;
  /** The items of a list of fixed length. */
  tuple?: FieldSchema[];
  kinds?: Record<string, FieldSchema>;
  shown?: Json;
  none?: boolean;
}

type Raw = { [key: string]: unknown };

const ABOUT = ["title", "description", "unit", "examples"] as const;

export function formSchema(root: Raw): FieldSchema {
  const definitions = (root.$defs ?? {}) as Record<string, Raw>;
  const known = new Map<string, FieldSchema>();
  const follow = (reference: string): FieldSchema => {
    const name = reference.slice("#/$defs/".length);
    const found = known.get(name) ?? kindful(read(definitions[name] as Raw));
    known.set(name, found);
    return found;
  };
  const read = (raw: Raw): FieldSchema => {
    if (typeof raw.$ref === "string") return about(raw, follow(raw.$ref));
    if (Array.isArray(raw.anyOf)) return about(raw, { ...nullable(raw.anyOf as Raw[]) });
    if (Array.isArray(raw.oneOf)) return about(raw, { type: "object", kinds: branches(raw) });
    return about(raw, container(raw));
  };
  const nullable = (options: Raw[]): FieldSchema => {
    const inner = options.filter((option) => option.type !== "null");
    if (inner.length !== 1) throw new Error("a field of the spec may be one of several things, not told apart by kind");
    return { ...read(inner[0] as Raw), none: inner.length < options.length };
  };
  const branches = (raw: Raw): Record<string, FieldSchema> => {
    const mapping = (raw.discriminator as { mapping?: Record<string, string> } | undefined)?.mapping;
    if (!mapping) throw new Error("a union of the spec has no discriminator");
    const order = (raw.oneOf as Raw[]).map((option) => option.$ref);
    const kinds = Object.entries(mapping).sort(([, a], [, b]) => order.indexOf(a) - order.indexOf(b));
    return Object.fromEntries(kinds.map(([kind, reference]) => [kind, unwrapped(follow(reference))]));
  };
  const container = (raw: Raw): FieldSchema => {
    const { default: _shown, prefixItems, items, properties, $defs: _definitions, ...rest } = raw;
    const read_: FieldSchema = { ...(rest as FieldSchema) };
    if (properties) read_.properties = mapped(properties as Record<string, Raw>, read);
    if (Array.isArray(prefixItems)) read_.tuple = (prefixItems as Raw[]).map(read);
    if (items || prefixItems) read_.items = read((items ?? (prefixItems as Raw[])[0]) as Raw);
    return read_;
  };
  return read(root);
}

/** What a field says of itself goes before what the type it refers to says. */
function about(raw: Raw, schema: FieldSchema): FieldSchema {
  const said = Object.fromEntries(ABOUT.filter((name) => name in raw).map((name) => [name, raw[name]]));
  const shown = "default" in raw ? { shown: raw.default as Json } : {};
  return { ...schema, ...said, ...shown };
}

/** An object with a `kind` of its own becomes one of a single kind. */
function kindful(schema: FieldSchema): FieldSchema {
  const kind = schema.properties?.kind?.const;
  if (typeof kind !== "string") return schema;
  const { kind: _, ...properties } = schema.properties ?? {};
  const required = schema.required?.filter((name) => name !== "kind");
  const branch: FieldSchema = { ...schema, properties, ...(required && { required }) };
  const { title, description } = schema;
  return { type: "object", title, description, kinds: { [kind]: branch } };
}

const unwrapped = (schema: FieldSchema): FieldSchema => Object.values(schema.kinds ?? {})[0] ?? schema;

const mapped = <In, Out>(fields: Record<string, In>, change: (field: In) => Out): Record<string, Out> =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, change(field)]));

const drawn = new WeakMap<FieldSchema, UiSchema>();

/** Which of our fields draws each part of a schema. */
export function uiOf(schema: FieldSchema): UiSchema {
  const before = drawn.get(schema);
  if (before) return before;
  const ui = fieldOf(schema);
  drawn.set(schema, ui);
  return ui;
}

function fieldOf(schema: FieldSchema): UiSchema {
  if (schema.kinds) return { "ui:field": "KindField" };
  const isWhole = schema.type === "array" || (schema.type === "object" && !isLabels(schema));
  if (schema.none && isWhole) return { "ui:field": "OptionalField" };
  if (schema.type === "array") return fieldOfList(schema);
  if (isLabels(schema)) return { "ui:field": "LabelsField" };
  return schema.properties ? mapped(schema.properties, uiOf) : {};
}

function fieldOfList(schema: FieldSchema): UiSchema {
  const item = schema.items;
  if (item?.kinds || item?.properties) return { items: uiOf(item) };
  return { "ui:field": item?.type === "array" ? "RowsField" : item?.enum ? "ChoicesField" : "ListField" };
}

const isLabels = (schema: FieldSchema): boolean =>
  schema.type === "object" && typeof schema.additionalProperties === "object";

const ACRONYMS = ["EMA", "R1", "R2"];

/** A field's name as it begins a sentence: Learning rate. */
export function labelOf(name: string): string {
  const words = name.split("_");
  const known = (word: string) => ACRONYMS.find((each) => each.toLowerCase() === word.toLowerCase());
  const plain = words.map((word) => known(word) ?? word).join(" ");
  return plain.charAt(0).toUpperCase() + plain.slice(1);
}
