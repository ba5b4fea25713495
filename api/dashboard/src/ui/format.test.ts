import { expect, test } from "vitest";
import { age, bytes, duration, number } from "./format";

test("numbers keep four digits and say what is none", () => {
  expect([1.3862943, 0, null, "NaN", "-Infinity", 123456.7, 0.00012].map((value) => number(value as never))).toEqual([
    "1.386",
    "0",
    "–",
    "NaN",
    "-∞",
    "1.23e+5",
    "1.20e-4",
  ]);
});

test("durations, ages and sizes", () => {
  expect([4, 200, 3723, null].map(duration)).toEqual(["4 s", "3:20", "1:02:03", "–"]);
  expect(age("2026-01-01T00:00:00Z", Date.parse("2026-01-01T02:30:00Z"))).toBe("2 h ago");
  expect([0, 999, 1400, 1.4e9].map(bytes)).toEqual(["0 B", "999 B", "1.4 kB", "1.4 GB"]);
});
