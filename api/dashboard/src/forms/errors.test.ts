import { expect, test } from "vitest";
import type { ProblemField } from "../api/types";
import { elementOf, flattened, message, placed } from "./errors";

const error = (field: string, words: string, limit?: ProblemField["limit"]): ProblemField => ({
  field,
  in: "body",
  message: words,
  code: "any",
  limit,
});

test("errors stand at their fields, several at one", () => {
  const errors = [
    error("generator.hidden_sizes.0", "must be at least 1", 1),
    error("steps", "is missing"),
    error("steps", "is wrong"),
    error("", "must be an object"),
  ];
  expect(placed(errors)).toEqual({
    __errors: ["must be an object"],
    generator: { hidden_sizes: { "0": { __errors: ["must be at least 1"] } } },
    steps: { __errors: ["is missing", "is wrong"] },
  });
});

test("a limit is told where the words do not tell it", () => {
  expect(message(error("a", "must be at most 3", 3))).toBe("must be at most 3");
  expect(message(error("a", "there is no such field", ["b", "c"]))).toBe("there is no such field; known are b, c");
  expect(message(error("a", "must be one of b, c", ["b", "c"]))).toBe("must be one of b, c");
});

test("a list tells what is wrong with its items", () => {
  const errors = placed([error("0", "too small"), error("2.1", "no number"), error("", "too long")]);
  expect(flattened(errors)).toEqual(["item 1: too small", "item 3.1: no number", "too long"]);
});

test("a field that is not drawn is found by what is around it", () => {
  const exists = (id: string) => ["root_loss", "root_generator", "root_generator_optimizer"].includes(id);
  expect(elementOf("generator.optimizer.schedule.kind", exists)).toBe("root_generator_optimizer");
  expect(elementOf("loss", exists)).toBe("root_loss");
  expect(elementOf("unknown.a", exists)).toBeNull();
});
