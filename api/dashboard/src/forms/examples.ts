// All of examples/, as one file that the page loads when somebody chooses from them.

import { presetOf } from "./presets";

const TEXTS = import.meta.glob<string>("../../../../examples/*.yaml", {
  query: "?raw",
  import: "default",
  eager: true,
});

export const PRESETS = Object.entries(TEXTS)
  .map(([path, text]) => presetOf(path, text))
  .sort((a, b) => a.file.localeCompare(b.file));
