// What to begin with: the specs in examples/, each with what its first comment says.

import type { Spec } from "../api/types";
import { fromYaml } from "./yaml";

export interface Preset {
  /** The file's name without its ending. */
  file: string;
  name: string;
  description: string;
  spec: Spec;
}

/** The comment that a file begins with, as one paragraph. */
export function firstComment(text: string): string {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("#"));
  return lines
    .slice(0, end < 0 ? lines.length : end)
    .map((line) => line.replace(/^#\s?/, "").trim())
    .join(" ")
    .trim();
}

export function presetOf(path: string, text: string): Preset {
  const file = path.replace(/^.*\//, "").replace(/\.yaml$/, "");
  const parsed = fromYaml(text);
  if (parsed.error) throw new Error(`${file}: ${parsed.error.message}`);
  const name = typeof parsed.spec.name === "string" ? parsed.spec.name : file;
  return { file, name, description: firstComment(text), spec: parsed.spec };
}

/** The presets that hold every word of `text`, wherever. */
export function found(presets: readonly Preset[], text: string): Preset[] {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  return presets.filter((preset) => {
    const said = `${preset.file} ${preset.name} ${preset.description} ${JSON.stringify(preset.spec)}`.toLowerCase();
    return wanted.every((word) => said.includes(word));
  });
}
