import { expect, test } from "vitest";
import { changed, kindOf, switched } from "./kinds";
import type { FieldSchema } from "./schema";

const OPTIMIZER: FieldSchema = {
  type: "object",
  shown: { kind: "adam" },
  kinds: { adam: { properties: { learning_rate: { type: "number" }, betas: { type: "array" } } }, sgd: {} },
};
const NETWORK: FieldSchema = {
  type: "object",
  kinds: {
    mlp: {
      properties: {
        optimizer: OPTIMIZER,
        hidden_sizes: { type: "array" },
        normalization: { enum: ["none", "batch"] },
        width: { type: "integer" },
      },
    },
    dcgan: {
      properties: { optimizer: OPTIMIZER, normalization: { enum: ["batch"] }, width: { type: "integer", none: true } },
    },
  },
};

test("another kind keeps the fields that it has too", () => {
  const mlp = {
    kind: "mlp",
    optimizer: { kind: "sgd", learning_rate: 1 },
    hidden_sizes: [64],
    normalization: "batch",
    width: 3,
  };
  expect(switched(mlp, "dcgan", NETWORK)).toEqual({
    kind: "dcgan",
    optimizer: { kind: "sgd", learning_rate: 1 },
    normalization: "batch",
    width: 3,
  });
});

test("what means nothing in the other kind is dropped", () => {
  expect(switched({ kind: "mlp", normalization: "none", width: "a" }, "dcgan", NETWORK)).toEqual({ kind: "dcgan" });
  expect(switched({ kind: "dcgan", width: null }, "mlp", NETWORK)).toEqual({ kind: "mlp" });
  expect(switched({ kind: "mlp", optimizer: { kind: "of old" } }, "dcgan", NETWORK)).toEqual({ kind: "dcgan" });
  expect(switched(null, "mlp", NETWORK)).toEqual({ kind: "mlp" });
});

test("the kind that is meant where none is said", () => {
  expect(kindOf({ learning_rate: 1 }, OPTIMIZER)).toBe("adam");
  expect(kindOf(undefined, OPTIMIZER)).toBe("adam");
  expect(kindOf(undefined, NETWORK)).toBeNull();
  const optional: FieldSchema = { none: true, shown: null, kinds: { diffaugment: {} } };
  expect([kindOf(undefined, optional), kindOf(null, optional)]).toEqual([null, null]);
  expect(kindOf({ policies: [] }, optional)).toBe("diffaugment");
});

test("a value is put where it belongs, or taken away", () => {
  expect(changed({ a: { b: 1 }, c: [1, 2] }, ["a", "b"], 2)).toEqual({ a: { b: 2 }, c: [1, 2] });
  expect(changed({ c: [1, { d: 2 }] }, ["c", 1, "d"], 3)).toEqual({ c: [1, { d: 3 }] });
  expect(changed(undefined, ["a", "b"], 2)).toEqual({ a: { b: 2 } });
  expect(changed({ a: 1, b: 2 }, ["a"], undefined)).toEqual({ b: 2 });
});
