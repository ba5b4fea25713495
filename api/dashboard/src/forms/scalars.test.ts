import { expect, test } from "vitest";
import { valueOf } from "./scalars";

test("what is typed is a number as soon as it is one", () => {
  expect(["2e-4", " 12 ", "-0.5", ".5", "1e400", "2e-", "0x", "", "abc", "Infinity"].map(valueOf)).toEqual([
    2e-4,
    12,
    -0.5,
    0.5,
    "1e400",
    "2e-",
    "0x",
    undefined,
    "abc",
    "Infinity",
  ]);
});
