// Going from one kind of a part to another.

import type { Json } from "../api/types";
import type { FieldSchema } from "./schema";

type Part = { [key: string]: Json };

/** The kind of a part: what it says, else what holds where nothing is said. */
export function kindOf(part: Json | undefined, schema: FieldSchema): string | null {
  const own = isPart(part) ? part.kind : undefined;
  if (typeof own === "string") return own;
  const shown = isPart(schema.shown) ? schema.shown.kind : undefined;
  // Nothing is said of a part that need not be there: it is not.
  if (part === null || (part === undefined && schema.none)) return null;
  return typeof shown === "string" ? shown : (onlyOf(schema) ?? null);
}

const onlyOf = (schema: FieldSchema): string | undefined => {
  const kinds = Object.keys(schema.kinds ?? {});
  return kinds.length === 1 ? kinds[0] : undefined;
};

/** `part` as another kind of it: of its fields, those stay that the other kind has and that mean the same there. */
export function switched(part: Json | undefined, kind: string, schema: FieldSchema): Part {
  const fields = schema.kinds?.[kind]?.properties ?? {};
  const kept = Object.entries(isPart(part) ? part : {}).filter(([name, value]) => {
    const field = fields[name];
    return field !== undefined && fits(value, field);
  });
  return { kind, ...Object.fromEntries(kept) };
}

/** Whether a value can stand in a field at all; its bounds are the service's to judge. */
function fits(value: Json, field: FieldSchema): boolean {
  if (value === null) return field.none === true;
  if (field.enum) return field.enum.includes(value);
  if (field.kinds) return isPart(value) && (value.kind === undefined || String(value.kind) in field.kinds);
  if (field.type === "array") return Array.isArray(value);
  if (field.type === "object") return isPart(value);
  if (field.type === "integer") return Number.isInteger(value);
  return typeof value === field.type;
}

/** `part` with another value at the end of `path`; without it where that is undefined. */
export function changed(part: Json | undefined, path: readonly (string | number)[], value: Json | undefined): Json {
  const [first, ...rest] = path;
  if (first === undefined) return value ?? null;
  if (Array.isArray(part)) return part.map((each, index) => (index === first ? changed(each, rest, value) : each));
  const { [first]: before, ...others } = isPart(part) ? part : ({} as Part);
  if (!rest.length && value === undefined) return others;
  return { ...(isPart(part) ? part : {}), [first]: changed(before, rest, value) };
}

export const isPart = (value: Json | undefined): value is Part =>
  value !== null && typeof value === "object" && !Array.isArray(value);
