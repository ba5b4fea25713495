// How the fields of a spec are grouped, and which most people leave alone.

const SECTIONS: readonly { title: string; fields: readonly string[] }[] = [
  { title: "Job", fields: ["name", "priority", "metadata"] },
  { title: "Data", fields: ["dataset", "batch_size", "conditional", "augmentation"] },
  { title: "Networks and their optimisers", fields: ["generator", "discriminator", "ema_decay"] },
  { title: "Loss and penalties", fields: ["loss", "regularizers", "pack"] },
  {
    title: "Length and reproducibility",
    fields: ["steps", "seed", "discriminator_steps", "fake_batch", "max_duration", "execution", "precision"],
  },
  {
    title: "What is kept",
    fields: ["sample_every", "checkpoint_every", "keep_checkpoints", "evaluate_every", "best_metric"],
  },
  { title: "Health", fields: ["health"] },
];

const ADVANCED = new Set([
  "discriminator_steps",
  "fake_batch",
  "max_duration",
  "execution",
  "precision",
  "keep_checkpoints",
  "pack",
  "epsilon",
  "frozen",
  "pretrain_after",
  "pretrain_steps",
  "spectral_norm",
  "interval",
  "validation_fraction",
  "expansion",
  "group_channels",
  "ramp_examples",
  "max_rollbacks",
  "min_delta",
  "momentum",
]);

export const isAdvanced = (name: string): boolean => ADVANCED.has(name);

/** The sections with the fields that there are; what no section names comes last. */
export function grouped(names: readonly string[]): { title: string; fields: string[] }[] {
  const known = new Set(SECTIONS.flatMap(({ fields }) => fields));
  const groups = SECTIONS.map(({ title, fields }) => ({
    title,
    fields: fields.filter((name) => names.includes(name)),
  }));
  groups.push({ title: "More", fields: names.filter((name) => !known.has(name)) });
  return groups.filter(({ fields }) => fields.length);
}
