import { expect, test } from "vitest";
import { compared, differences, written } from "./diff";

const ADAM = { kind: "adam", betas: [0.5, 0.999] };
const BEFORE = { steps: 5, optimizer: ADAM, augmentation: null };
const AFTER = { steps: 6, optimizer: { ...ADAM, betas: [0, 0.9] }, ema: 0.99 };

test("fields are named by their dotted paths, lists of plain values being one value", () => {
  const spec = { steps: 5, generator: { optimizer: ADAM }, regularizers: [{ kind: "r1", weight: 1 }], metadata: {} };
  expect(compared([spec]).map(({ path, values }) => [path, ...values])).toEqual([
    ["steps", 5],
    ["generator.optimizer.kind", "adam"],
    ["generator.optimizer.betas", [0.5, 0.999]],
    ["regularizers.0.kind", "r1"],
    ["regularizers.0.weight", 1],
    ["metadata", {}],
  ]);
});

test("rows say what differs, and what one of the specs has not", () => {
  expect(differences([BEFORE, AFTER])).toEqual([
    { path: "steps", values: [5, 6], differs: true },
    {
      path: "optimizer.betas",
      values: [
        [0.5, 0.999],
        [0, 0.9],
      ],
      differs: true,
    },
    { path: "augmentation", values: [null, undefined], differs: true },
    { path: "ema", values: [undefined, 0.99], differs: true },
  ]);
  expect(compared([BEFORE, AFTER]).map((row) => row.path)).toContain("optimizer.kind");
});

test("a single spec differs from none, and what is missing is not null", () => {
  expect(compared([{ steps: 5 }])).toEqual([{ path: "steps", values: [5], differs: false }]);
  expect([undefined, null, "", "adam", [0, 0.9], {}, false].map(written)).toEqual([
    "–",
    "null",
    '""',
    "adam",
    "[0, 0.9]",
    "{}",
    "false",
  ]);
});

test("fields stand with those they belong to, and what is empty gives way to its parts", () => {
  const rows = compared([
    { metadata: {}, generator: { kind: "mlp" }, conditional: null, steps: 5 },
    { generator: { kind: "dcgan", channels: 64 }, metadata: { project: "a" }, conditional: { kind: "head" }, steps: 5 },
  ]);
  expect(rows.map(({ path, values }) => [path, ...values])).toEqual([
    ["metadata.project", undefined, "a"],
    ["generator.kind", "mlp", "dcgan"],
    ["generator.channels", undefined, 64],
    ["conditional", null, undefined],
    ["conditional.kind", undefined, "head"],
    ["steps", 5, 5],
  ]);
});
