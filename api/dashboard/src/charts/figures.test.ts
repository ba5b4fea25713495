import { expect, test } from "vitest";
import type { LossFacts } from "../api/types";
import { bestOf, pointsOf } from "./evaluation";
import { extraFigures, mainFigures } from "./figures";
import { inShort } from "./option";
import { settingsOf } from "./settings";
import type { Colours } from "./theme";

const colours: Colours = {
  text: "text",
  muted: "muted",
  line: "line",
  surface: "surface",
  discriminator: "blue",
  generator: "orange",
  real: "green",
  fake: "violet",
  series: ["1", "2", "3", "4", "5", "6", "7", "8"],
  severity: { ok: "ok", caution: "caution", alarm: "alarm" },
};
const BASE = ["d_loss", "g_loss", "d_real_logit", "d_fake_logit", "d_grad_norm", "g_grad_norm"];
const PROBABLE = [...BASE, "total_loss", "d_real", "d_fake"];
const facts = (logit_is_probability: boolean, logit_boundary: number | null) =>
  ({ logit_is_probability, logit_boundary }) as LossFacts;
const known = (recorded: string[], more = {}) => ({
  recorded,
  equilibrium: { d_loss: 2 * Math.LN2, g_loss: Math.LN2, total_loss: 3 * Math.LN2 },
  facts: facts(true, 0),
  settings: settingsOf(null),
  colours,
  ...more,
});
const keys = (figure: { curves: { key: string }[] } | undefined) => figure?.curves.map(({ key }) => key);

test("losses have the levels that the loss declares, each in its own colour", () => {
  const [losses] = mainFigures(known(PROBABLE));
  expect(losses?.levels.map(({ label, colour }) => [label, colour])).toEqual([
    ["D at equilibrium 1.386", "blue"],
    ["G at equilibrium 0.693", "orange"],
  ]);
});

test("one line where both are the same, and none where there is none", () => {
  const same = { equilibrium: { d_loss: Math.LN2, g_loss: Math.LN2, total_loss: null } };
  expect(mainFigures(known(BASE, same))[0]?.levels.map(({ label }) => label)).toEqual(["D and G at equilibrium 0.693"]);
  const one = { equilibrium: { d_loss: 0, g_loss: null, total_loss: null } };
  expect(mainFigures(known(BASE, one))[0]?.levels.map(({ label }) => label)).toEqual(["D at equilibrium 0.000"]);
});

test("D's answers are probabilities where its logit is one, and logits where they are not or are asked for", () => {
  const probable = mainFigures(known(PROBABLE))[1];
  expect([keys(probable), probable?.levels[0]?.value, probable?.fixed]).toEqual([["d_real", "d_fake"], 0.5, [0, 1]]);
  const asked = mainFigures(known(PROBABLE, { settings: { ...settingsOf(null), logits: true } }))[1];
  expect([keys(asked), asked?.levels[0]?.value]).toEqual([["d_real_logit", "d_fake_logit"], 0]);
  const critic = mainFigures(known(BASE, { facts: facts(false, null) }))[1];
  expect([keys(critic), critic?.levels]).toEqual([["d_real_logit", "d_fake_logit"], []]);
});

test("what only some jobs record has charts of its own, also where nobody knows it yet", () => {
  expect(extraFigures(known(PROBABLE))).toEqual([]);
  const extras = extraFigures(known([...PROBABLE, "r1_penalty", "r_t", "new_metric"]));
  expect(extras.map(({ title }) => title)).toEqual(["Penalties", "Adaptive augmentation", "new metric"]);
});

test("before anything is recorded the charts have their places", () => {
  expect(mainFigures(known([])).map(({ id }) => id)).toEqual(["losses", "answers", "gradients"]);
});

test("settings are those kept, as far as they are any", () => {
  expect(settingsOf('{"log": true, "smoothing": 0.6, "bands": "no"}')).toEqual({
    ...settingsOf(null),
    log: true,
    smoothing: 0.6,
  });
  for (const text of ["{", "[]", "null", "7", '{"smoothing": 4}']) expect(settingsOf(text)).toEqual(settingsOf(null));
});

test("the best evaluation is the one that the catalogue says is better", () => {
  const points = pointsOf(
    [
      { step: 3000, values: { fid: 4 } },
      { step: 1000, values: { fid: 9 } },
      { step: 2000, values: { fid: "NaN" } },
      { step: 4000, values: { fid: 4 } },
    ],
    "fid",
  );
  expect(points.map(({ step }) => step)).toEqual([1000, 3000, 4000]);
  expect([bestOf(points, "lower")?.step, bestOf(points, "higher")?.step, bestOf(points, null)]).toEqual([
    3000,
    1000,
    null,
  ]);
});

test("steps below a chart are short", () => {
  expect([0, 250, 1000, 1500, 1250, 12_500, 999_000, 1_000_000, 1_200_000].map(inShort)).toEqual([
    "0",
    "250",
    "1k",
    "1.5k",
    "1250",
    "12.5k",
    "999k",
    "1M",
    "1.2M",
  ]);
});
