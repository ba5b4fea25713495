import { expect, test } from "vitest";
import type { LogLine } from "../api/types";
import { matching, pairs } from "./log";

const line = (id: number, level: string, message: string, data = {}): LogLine => ({
  id,
  attempt: 1,
  level,
  message,
  data,
  created_at: "2026-01-01T00:00:00Z",
});
const lines = [
  line(1, "debug", "begun"),
  line(2, "info", "progress", { step: 12 }),
  line(3, "warning", "slow disk"),
  line(4, "critical", "out of memory"),
];
const ids = (level: string, text = "") => matching(lines, level, text).map(({ id }) => id);

test("a level shows what is as grave, and what is of no known level", () => {
  expect([ids("debug"), ids("info"), ids("error")]).toEqual([[1, 2, 3, 4], [2, 3, 4], [4]]);
});

test("text is looked for in the message and in what comes with it", () => {
  expect([ids("debug", " SLOW "), ids("debug", "step=12"), ids("warning", "step=12")]).toEqual([[3], [2], []]);
  expect(pairs({ a: 1, b: { c: [1] } })).toBe('a=1 b={"c":[1]}');
});
