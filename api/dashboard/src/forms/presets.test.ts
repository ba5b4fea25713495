import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { PRESETS } from "./examples";
import { isPart } from "./kinds";
import { firstComment, found, presetOf } from "./presets";
import { fromYaml, toYaml } from "./yaml";

test("every example is a preset that says what it is", () => {
  const files = readdirSync("../../examples").filter((name) => name.endsWith(".yaml"));
  expect(PRESETS.map(({ file }) => `${file}.yaml`).sort()).toEqual(files.sort());
  for (const { description, spec } of PRESETS) {
    expect(description.length).toBeGreaterThan(20);
    expect(description).not.toContain("#");
    for (const part of ["dataset", "generator", "discriminator"]) expect(isPart(spec[part])).toBe(true);
    expect(spec.steps).toBeTypeOf("number");
  }
});

test("numbers are numbers, as YAML 1.2 has them", () => {
  for (const { spec } of PRESETS)
    for (const player of [spec.generator, spec.discriminator])
      if (isPart(player) && isPart(player.optimizer) && player.optimizer.learning_rate !== undefined)
        expect(player.optimizer.learning_rate).toBeTypeOf("number");
  expect(fromYaml("a: 2e-4\nb: no\nc: 0o10\nd: 12:30").spec).toEqual({ a: 2e-4, b: "no", c: 8, d: "12:30" });
});

test("what is written is read as it was", () => {
  for (const { spec } of PRESETS) expect(fromYaml(toYaml(spec)).spec).toEqual(spec);
  expect(toYaml({ generator: { hidden_sizes: [64, 64] } })).toBe("generator:\n  hidden_sizes: [64, 64]\n");
});

test("text that is no spec is told with its line", () => {
  expect(fromYaml("a: 1\nb: [1, 2\nc: 3").error?.line).toBe(3);
  expect(fromYaml("a: 1\na: 2").error?.line).toBe(2);
  expect(fromYaml("- 1").error?.message).toContain("mapping");
  expect(fromYaml("").error?.message).toContain("mapping");
  expect(fromYaml("a: *nowhere").error).not.toBeNull();
});

test("the first comment, and nothing of later ones", () => {
  expect(firstComment("# One,\n# two.\nname: a\n# three")).toBe("One, two.");
  expect(firstComment("name: a")).toBe("");
  expect(() => presetOf("a/bad.yaml", "- 1")).toThrow("bad");
});

test("presets are found by every word, wherever it stands", () => {
  expect(found(PRESETS, "PacGAN 2018").map(({ file }) => file)).toContain("lin2018_pacgan");
  expect(found(PRESETS, "hinge digits zebra")).toEqual([]);
  expect(found(PRESETS, " ")).toHaveLength(PRESETS.length);
});
