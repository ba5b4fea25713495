// Specs as text: YAML 1.2 (where 2e-4 is a number), of which JSON is a part.

import { Document, isScalar, LineCounter, parseDocument, visit } from "yaml";
import type { Spec } from "../api/types";

/** A spec as people write one: lists of plain values in one line. */
export function toYaml(spec: Spec): string {
  const document = new Document(spec);
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every((item) => isScalar(item))) list.flow = true;
    },
  });
  return document.toString({ flowCollectionPadding: false, lineWidth: 120 });
}

export type Parsed = { spec: Spec; error: null } | { spec: null; error: { message: string; line: number | null } };

/** What a text says, or what is wrong with it and in which line (from 1). */
export function fromYaml(text: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { version: "1.2", schema: "core", lineCounter: lines, prettyErrors: false });
  const [first] = document.errors;
  if (first) return failed(first.message, lines.linePos(first.pos[0]).line);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases of what is not there, or of too much.
    return failed(error instanceof Error ? error.message : String(error), null);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return failed("A spec is a mapping: lines of `field: value`.", 1);
  return { spec: value as Spec, error: null };
}

const failed = (message: string, line: number | null): Parsed => ({ spec: null, error: { message, line } });
