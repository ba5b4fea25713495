// What the signals of a health report are, in a sentence each; docs/health.md says more.

const MEANINGS: Record<string, string> = {
  separability: "How often D ranks a real example above a generated one; 0.5 to 0.9 in a healthy game.",
  highest_separability: "The highest separability of the last five assessments.",
  held_out_separability: "How often D ranks a held-out real example above a generated one.",
  logit_gradient: "How steep the generator's loss is in D's logit; near 0 the generator is taught nothing.",
  gradient_ratio: "The generator's gradient over that of the first assessments; 0.1 to 10 in a healthy game.",
  d_gradient_ratio: "The discriminator's gradient over that of the first assessments.",
  distance: "Sliced Wasserstein distance of generated and real data, in the real data's deviations.",
  distance_over_floor: "The distance over that which as many real examples have by chance.",
  distance_over_best: "The distance over the best one so far.",
  progress: "By how much of it the best distance has shrunk in the last four assessments; above 0 while it learns.",
  missing_share: "Share of the real data in regions that get less than a fifth of their due; below 0.2 is healthy.",
  pooled_missing_share: "The missing share of the last three assessments together; below 0.1 is healthy.",
  region_entropy: "How evenly generated data lie over the regions, as a share of the real data's; near 1 is healthy.",
  class_entropy_ratio: "How evenly generated data lie over the classes, as a share of the real data's.",
  shift:
    "How much of the data from fixed noise lies in another region than an assessment before; below 0.4 is healthy.",
  movement: "How far data from fixed noise have moved since the last assessment, in spreads of the real data.",
  pairwise_distance_ratio: "Distances among generated data over those among real ones; near 1 is healthy.",
  spread_ratio: "Spread of the generated data over that of the real ones; near 1 is healthy.",
  effective_rank_ratio: "In how many directions generated data vary, over the real ones; near 1 is healthy.",
  near_duplicate_share: "Share of generated data with a neighbour as near as only 1 % of real ones have.",
  copied_share: "Share of generated data that all but copy a training example; near 0 is healthy.",
  validation_ratio: "How much surer D is of training data than of held-out data; below 0.5 is healthy.",
  real_sign: "Mean sign of D's logit on training data; about 0.6 is healthy.",
  r_t: "Mean sign of D's logit on training data, as adaptive augmentation measures it; about 0.6 is healthy.",
  equilibrium_distance: "How far D's loss is below its equilibrium, as a share of it.",
  answer_gap: "D's mean answer to real data less that to generated data.",
  logit_gap: "Mean logit of real less that of generated data: a Wasserstein critic's estimate of the distance.",
  jensen_shannon_bound: "A lower bound of the Jensen-Shannon divergence, for a D that has not memorised.",
  d_loss_periodicity: "Share of the variance of D's loss at one frequency; below 0.5 is healthy.",
  g_loss_periodicity: "Share of the variance of G's loss at one frequency; below 0.5 is healthy.",
  finite_losses: "1 while the losses are numbers.",
  finite_samples: "1 while the generated data are numbers.",
};

export const meaningOf = (signal: string): string | undefined => MEANINGS[signal];
