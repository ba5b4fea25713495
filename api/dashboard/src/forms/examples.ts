// All of examples/, as one file that the page loads when somebody chooses from them.

import { presetOf } from "./presets";

// Those named after a paper and its year come behind the plain ones.
const ofPaper = (file: string): number => (/\d{4}_/.test(file) ? 1 : 0);

const TEXTS = import.meta.glob<string>("../../../../examples/*.yaml", {
  query: "?raw",
  import: "default",
  eager: true,
});

export const PRESETS = Object.entries(TEXTS)
  .map(([path, text]) => presetOf(path, text))
  .sort((a, b) => ofPaper(a.file) - ofPaper(b.file) || a.file.localeCompare(b.file));
