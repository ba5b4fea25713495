import { createSchemaUtils } from "@rjsf/utils";
import { expect, test } from "vitest";
import { PRESETS } from "./examples";
import { formSchema, labelOf, uiOf } from "./schema";

const ROOT = {
  type: "object",
  required: ["loss"],
  properties: {
    loss: {
      default: { kind: "hinge" },
      description: "The loss.",
      title: "Loss",
      discriminator: {
        propertyName: "kind",
        mapping: { clipped: "#/$defs/Clipped", hinge: "#/$defs/Hinge" },
      },
      oneOf: [{ $ref: "#/$defs/Hinge" }, { $ref: "#/$defs/Clipped" }],
    },
    decay: { anyOf: [{ type: "number", maximum: 1 }, { type: "null" }], default: null, unit: "per step" },
    changes: { anyOf: [{ $ref: "#/$defs/Changes" }, { type: "null" }], default: null },
    limits: { anyOf: [{ $ref: "#/$defs/Limits" }, { type: "null" }], default: null },
    sizes: { type: "array", items: { type: "integer" }, default: [64] },
    betas: { type: "array", prefixItems: [{ type: "number" }, { type: "number" }], minItems: 2, maxItems: 2 },
    rows: { type: "array", items: { type: "array", items: { type: "number" } } },
    metadata: { type: "object", additionalProperties: { type: "string" } },
  },
  $defs: {
    Hinge: { type: "object", properties: { kind: { const: "hinge" } }, required: ["kind"], title: "Hinge" },
    Clipped: {
      type: "object",
      properties: { kind: { const: "clipped" }, clip: { type: "number", default: 0.01 } },
      required: ["kind"],
    },
    Changes: {
      type: "object",
      properties: {
        kind: { const: "diff" },
        which: { type: "array", items: { enum: ["a", "b"], type: "string" } },
      },
      required: ["kind"],
    },
    Limits: { type: "object", properties: { metric: { type: "string" } }, required: ["metric"] },
  },
};
const schema = formSchema(ROOT);
const field = (name: string) => schema.properties?.[name];

test("a union by kind becomes an object with its kinds, in the order of the branches", () => {
  expect(Object.keys(field("loss")?.kinds ?? {})).toEqual(["hinge", "clipped"]);
  expect(field("loss")).toMatchObject({ shown: { kind: "hinge" }, description: "The loss." });
  expect(field("loss")?.kinds?.clipped?.properties).toEqual({ clip: { type: "number", shown: 0.01 } });
  expect(field("loss")?.kinds?.clipped?.required).toEqual([]);
});

test("what may be null says so, and keeps what its type says", () => {
  expect(field("decay")).toEqual({ type: "number", maximum: 1, none: true, shown: null, unit: "per step" });
  expect(field("changes")).toMatchObject({ none: true, shown: null });
  expect(Object.keys(field("changes")?.kinds ?? {})).toEqual(["diff"]);
});

test("each part is drawn by the field that fits", () => {
  expect(uiOf(schema)).toEqual({
    loss: { "ui:field": "KindField" },
    decay: {},
    changes: { "ui:field": "KindField" },
    limits: { "ui:field": "OptionalField" },
    sizes: { "ui:field": "ListField" },
    betas: { "ui:field": "ListField" },
    rows: { "ui:field": "RowsField" },
    metadata: { "ui:field": "LabelsField" },
  });
});

test("rjsf adds nothing of its own to a spec", () => {
  const validator = {
    isValid: () => {
      throw new Error("nothing is to be guessed");
    },
    validateFormData: () => ({ errors: [], errorSchema: {} }),
    rawValidation: () => ({}),
  };
  const utils = createSchemaUtils(validator, schema as never, {
    emptyObjectFields: "skipDefaults",
    constAsDefaults: "never",
  });
  const specs = [
    {},
    { loss: { clip: 1 } },
    { loss: { kind: "clipped" }, decay: null, metadata: { a: "b" }, betas: [1] },
  ];
  for (const spec of [...specs, ...PRESETS.map(({ spec }) => spec)])
    expect(utils.getDefaultFormState(schema as never, spec)).toEqual(spec);
});

test("labels", () => {
  expect(["learning_rate", "ema_decay", "pack"].map(labelOf)).toEqual(["Learning rate", "EMA decay", "Pack"]);
});
