// The service's errors at the fields that they are about.

import type { ErrorSchema } from "@rjsf/utils";
import type { ProblemField } from "../api/types";

type Tree = { __errors?: string[]; [name: string]: Tree | string[] | undefined };

/** Errors by their dotted paths, as rjsf takes them. */
export function placed(fields: readonly ProblemField[]): ErrorSchema {
  const root: Tree = {};
  for (const field of fields) {
    let at = root;
    for (const part of parts(field.field)) at = (at[part] ??= {}) as Tree;
    (at.__errors ??= []).push(message(field));
  }
  return root as ErrorSchema;
}

/** An error in words, with its limit where the words do not hold it. */
export function message({ message: words, limit }: ProblemField): string {
  if (!Array.isArray(limit)) return words;
  const missing = limit.map(String).filter((each) => !words.includes(each));
  return missing.length ? `${words}; known are ${limit.join(", ")}` : words;
}

const parts = (path: string): string[] => (path ? path.split(".") : []);

/** All errors in a part of the form, each with where in it that is: for fields that draw their items themselves. */
export function flattened(errors: ErrorSchema | undefined, where = ""): string[] {
  const found: string[] = [];
  for (const [name, inner] of Object.entries(errors ?? {})) {
    if (name === "__errors")
      found.push(...(inner as unknown as string[]).map((each) => (where ? `${where}: ${each}` : each)));
    else found.push(...flattened(inner as ErrorSchema, where ? `${where}.${name}` : itemName(name)));
  }
  return found;
}

const itemName = (name: string): string => (/^\d+$/.test(name) ? `item ${Number(name) + 1}` : name);

/** The id of the element that stands for a field, or for the nearest field around it. */
export function elementOf(path: string, exists: (id: string) => boolean): string | null {
  const names = parts(path);
  for (let length = names.length; length > 0; length--) {
    const id = ["root", ...names.slice(0, length)].join("_");
    if (exists(id)) return id;
  }
  return null;
}
