// What two or more specs have in common, and what not.

import type { Json, Spec } from "../api/types";

/** A field by its dotted path, and what each spec has there; undefined where it has none. */
interface Row {
  path: string;
  values: readonly (Json | undefined)[];
  differs: boolean;
}

/** The parts of what is not a value in itself; lists of plain values are one value, those of objects are numbered. */
function partsOf(value: Json): [string, Json][] | null {
  if (value === null || typeof value !== "object") return null;
  const parts = Object.entries(value);
  const plain = Array.isArray(value) && value.every((each) => each === null || typeof each !== "object");
  return plain || parts.length === 0 ? null : parts;
}

/** All fields of some specs, each beside those that it belongs with. */
export const compared = (specs: readonly Spec[]): Row[] => rowsOf(specs, "");

function rowsOf(values: readonly (Json | undefined)[], path: string): Row[] {
  const parts = values.map((value) => (value === undefined ? null : partsOf(value)));
  if (parts.every((each) => each === null)) return [rowOf(path, values)];
  const names = new Set(parts.flatMap((each) => each?.map(([name]) => name) ?? []));
  const deeper = [...names].flatMap((name) => {
    const held = parts.map((each) => each?.find(([part]) => part === name)?.[1]);
    return rowsOf(held, path ? `${path}.${name}` : name);
  });
  // What is a value in one spec and has parts in another is a field of its own, unless it is only empty.
  const whole = values.map((value, at) => (parts[at] === null && !isEmpty(value) ? value : undefined));
  return whole.some((value) => value !== undefined) ? [rowOf(path, whole), ...deeper] : deeper;
}

const isEmpty = (value: Json | undefined): boolean =>
  value !== null && typeof value === "object" && Object.keys(value).length === 0;

const rowOf = (path: string, values: readonly (Json | undefined)[]): Row => ({
  path,
  values,
  differs: new Set(values.map((value) => (value === undefined ? value : JSON.stringify(value)))).size > 1,
});

/** The fields in which some specs differ. */
export const differences = (specs: readonly Spec[]): Row[] => compared(specs).filter((row) => row.differs);

/** A field's value as one reads it; a dash says that it is not there. */
export function written(value: Json | undefined): string {
  if (value === undefined) return "–";
  if (typeof value === "string") return value === "" ? '""' : value;
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  return JSON.stringify(value);
}
