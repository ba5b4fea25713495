import { expect, test } from "vitest";
import type { Segment, Spec } from "../api/types";
import { mergePatch, merged, remedied, same } from "./patch";

const BASE: Spec = {
  steps: 100,
  ema_decay: null,
  loss: { kind: "wasserstein", clip: 0.01 },
  generator: { kind: "mlp", hidden_sizes: [64, 64], optimizer: { kind: "adam", learning_rate: 0.1 } },
  metadata: {},
};

test("nothing changed is an empty patch, and null is the same as absent", () => {
  const { ema_decay: _, ...rest } = BASE;
  expect(mergePatch(BASE, rest)).toEqual({});
  expect(mergePatch(rest, BASE)).toEqual({});
});

test("a patch says only what differs; lists are replaced whole", () => {
  const wanted: Spec = {
    ...BASE,
    steps: 200,
    generator: { kind: "mlp", hidden_sizes: [64], optimizer: { kind: "adam", learning_rate: 0.2 } },
    metadata: { a: "b" },
  };
  const patch = mergePatch(BASE, wanted);
  expect(patch).toEqual({
    steps: 200,
    generator: { hidden_sizes: [64], optimizer: { learning_rate: 0.2 } },
    metadata: { a: "b" },
  });
  expect(same(merged(BASE, patch), wanted)).toBe(true);
});

test("fields that another kind lacks become null", () => {
  const wanted: Spec = { ...BASE, loss: { kind: "hinge" } };
  const patch = mergePatch(BASE, wanted);
  expect(patch).toEqual({ loss: { kind: "hinge", clip: null } });
  expect(same(merged(BASE, patch), wanted)).toBe(true);
});

test("what is taken out becomes null, and what stands for something else replaces it", () => {
  const { steps: _, ...rest } = BASE;
  expect(mergePatch(BASE, rest)).toEqual({ steps: null });
  expect(mergePatch({ a: { b: 1 } }, { a: [1] })).toEqual({ a: [1] });
  expect(mergePatch({ a: null }, { a: { b: 1 } })).toEqual({ a: { b: 1 } });
});

test("the remedies of rollbacks are in what is changed, in their order", () => {
  const segment = (number: number, spec_patch: Spec) => ({ number, spec_patch }) as unknown as Segment;
  const path = "generator.optimizer.learning_rate";
  const segments = [segment(2, { [path]: 0.001, regularizers: [{ kind: "r1" }] }), segment(1, { [path]: 0.01 })];
  expect(remedied(BASE, segments)).toEqual({
    ...BASE,
    generator: { kind: "mlp", hidden_sizes: [64, 64], optimizer: { kind: "adam", learning_rate: 0.001 } },
    regularizers: [{ kind: "r1" }],
  });
});
