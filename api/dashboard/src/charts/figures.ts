// Which charts a job has: what each shows, and at which levels the game is even.

import type { Equilibrium, LossFacts } from "../api/types";
import type { Range } from "../curves/range";
import { words } from "../ui/format";
import type { Settings } from "./settings";
import type { Colours } from "./theme";

export interface Curve {
  key: string;
  label: string;
  colour: string;
  /** What it is where real and generated data cannot be told apart; null where there is no such level. */
  equilibrium: number | null;
}

export interface Level {
  value: number;
  label: string;
  colour: string;
}

export interface Figure {
  id: string;
  title: string;
  curves: Curve[];
  levels: Level[];
  log: boolean;
  /** The values that the axis always shows; null where it shows those there are. */
  fixed: Range | null;
}

interface Known {
  recorded: readonly string[];
  equilibrium: Equilibrium;
  facts: LossFacts | null;
  settings: Settings;
  colours: Colours;
}

const LABELS: Record<string, string> = {
  d_loss: "D loss",
  g_loss: "G loss",
  total_loss: "D + G loss",
  d_real: "D(x)",
  d_fake: "D(G(z))",
  d_real_logit: "D(x) logit",
  d_fake_logit: "D(G(z)) logit",
  d_grad_norm: "D gradient",
  g_grad_norm: "G gradient",
  r1_penalty: "R1",
  r2_penalty: "R2",
  gradient_penalty: "gradient penalty",
  d_class_loss: "D class loss",
  g_class_loss: "G class loss",
  class_accuracy_real: "on real data",
  class_accuracy_fake: "on generated data",
  augment_probability: "probability",
  r_t: "r_t",
  g_grad_norm_saturating: "saturating",
  g_grad_norm_non_saturating: "non-saturating",
};
export const labelOf = (key: string): string => LABELS[key] ?? words(key);

const none = { levels: [], log: false, fixed: null };

/** The charts that every job has: losses, what the discriminator says, and gradients. */
export function mainFigures(known: Known): Figure[] {
  const { recorded, settings } = known;
  const shown = settings.total ? ["d_loss", "g_loss", "total_loss"] : ["d_loss", "g_loss"];
  const figures: Figure[] = [
    {
      ...none,
      id: "losses",
      title: "Losses",
      curves: curvesOf(shown, known),
      levels: evenAt(shown, known),
      log: settings.log,
    },
    answers(known),
    {
      ...none,
      id: "gradients",
      title: "Gradient norms",
      curves: curvesOf(["d_grad_norm", "g_grad_norm"], known),
      log: true,
    },
  ];
  return recorded.length ? figures.filter((figure) => figure.curves.length > 0) : figures;
}

function answers(known: Known): Figure {
  const { facts, settings, colours } = known;
  const probable = known.recorded.length ? known.recorded.includes("d_real") : facts?.logit_is_probability !== false;
  if (probable && !settings.logits) {
    const levels: Level[] = [{ value: 0.5, label: "cannot tell: 0.5", colour: colours.muted }];
    const curves = curvesOf(["d_real", "d_fake"], known);
    return { ...none, id: "answers", title: "D(x) and D(G(z))", curves, levels, fixed: [0, 1] };
  }
  const boundary = facts?.logit_boundary ?? null;
  const label = `cannot tell: ${boundary}`;
  const levels: Level[] = boundary === null ? [] : [{ value: boundary, label, colour: colours.muted }];
  const curves = curvesOf(["d_real_logit", "d_fake_logit"], known);
  return { ...none, id: "answers", title: "Logits of D", curves, levels };
}

/** The levels of the losses where real and generated data cannot be told apart; one line where two are the same. */
function evenAt(keys: readonly string[], { equilibrium, colours }: Known): Level[] {
  const [d, g] = [equilibrium.d_loss, equilibrium.g_loss];
  const written = (value: number) => value.toFixed(3);
  const levels: Level[] = [];
  const add = (value: number | null, who: string, colour: string) => {
    if (value !== null) levels.push({ value, label: `${who} at equilibrium ${written(value)}`, colour });
  };
  if (d !== null && d === g) add(d, "D and G", colours.muted);
  else {
    add(d, "D", colours.discriminator);
    add(g, "G", colours.generator);
  }
  if (keys.includes("total_loss")) add(equilibrium.total_loss, "D + G", colours.series[3] as string);
  return levels;
}

const EXTRAS: [id: string, title: string, keys: string[], more?: Partial<Figure>][] = [
  ["penalties", "Penalties", ["r1_penalty", "r2_penalty", "gradient_penalty"]],
  ["class-losses", "Class losses", ["d_class_loss", "g_class_loss"]],
  ["class-accuracy", "Accuracy of the class head", ["class_accuracy_real", "class_accuracy_fake"], { fixed: [0, 1] }],
  ["augmentation", "Adaptive augmentation", ["augment_probability", "r_t"], { fixed: [0, 1] }],
  [
    "both-losses",
    "Generator's gradient under either loss",
    ["g_grad_norm_saturating", "g_grad_norm_non_saturating"],
    { log: true },
  ],
];
const MAIN = [
  "d_loss",
  "g_loss",
  "total_loss",
  "d_real",
  "d_fake",
  "d_real_logit",
  "d_fake_logit",
  "d_grad_norm",
  "g_grad_norm",
];

/** The charts of what only some jobs record. */
export function extraFigures(known: Known): Figure[] {
  const grouped = EXTRAS.flatMap(([, , keys]) => keys);
  const others = known.recorded.filter((key) => !MAIN.includes(key) && !grouped.includes(key));
  const all: typeof EXTRAS = [...EXTRAS, ...others.map((key): (typeof EXTRAS)[number] => [key, words(key), [key]])];
  return all
    .map(([id, title, keys, more]) => ({ ...none, id, title, curves: curvesOf(keys, known), ...more }))
    .filter((figure) => known.recorded.length > 0 && figure.curves.length > 0);
}

/** Before anything is recorded all are given, so that the charts have their places. */
function curvesOf(keys: readonly string[], { recorded, colours, equilibrium }: Known): Curve[] {
  const chosen = recorded.length ? keys.filter((key) => recorded.includes(key)) : keys;
  const levels: Record<string, number | null> = { ...equilibrium };
  return chosen.map((key) => ({
    key,
    label: labelOf(key),
    colour: colourOf(key, keys.indexOf(key), colours),
    equilibrium: levels[key] ?? null,
  }));
}

function colourOf(key: string, at: number, colours: Colours): string {
  if (key === "d_real" || key === "d_real_logit" || key === "class_accuracy_real") return colours.real;
  if (key === "d_fake" || key === "d_fake_logit" || key === "class_accuracy_fake") return colours.fake;
  if (key === "total_loss") return colours.series[3] as string;
  if (key.startsWith("d_")) return colours.discriminator;
  if (key.startsWith("g_") && at < 2 && !key.includes("saturating")) return colours.generator;
  return colours.series[(at + 2) % colours.series.length] as string;
}
