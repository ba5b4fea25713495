// What an event says, as the page writes names and steps.

import { count, words } from "../ui/format";

/** `message` with the names of verdicts in words, and steps with separators. */
export function readable(message: string, verdicts: readonly string[]): string {
  const known = new Set(verdicts);
  return message
    .replace(/[a-z]+(?:_[a-z]+)+/g, (name) => (known.has(name) ? words(name) : name))
    .replace(/\b(steps?) (\d{4,15})\b(?!\.\d)/g, (_, word: string, step: string) => `${word} ${count(Number(step))}`);
}
