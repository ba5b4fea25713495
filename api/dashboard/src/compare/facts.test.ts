import { expect, test } from "vitest";
import type { Catalogue, Job } from "../api/types";
import { evaluated, standing } from "./facts";

const CATALOGUE = {
  evaluations: [
    { name: "fid_inception", unit: "squared distance", description: "Distance.", better: "lower" },
    { name: "validation_gap", unit: "logit", description: "Gap.", better: null },
  ],
} as Partial<Catalogue> as Catalogue;
const job = (values: Record<string, number> | null): Job =>
  ({
    step: 1000,
    steps: 2000,
    training_seconds: 70,
    steps_per_second: null,
    equilibrium: { d_loss: 2, g_loss: null, total_loss: null },
    latest_metrics: { step: 1000, d_loss: 1.5 },
    latest_evaluation: values && { step: 500, values },
  }) as Partial<Job> as Job;

test("losses stand beside their own equilibrium, and what is not there is a dash", () => {
  const rows = Object.fromEntries(standing([job(null)]).map(({ name, values }) => [name, values[0]]));
  expect(rows["Steps"]?.text).toBe("1,000 of 2,000");
  expect(rows["Discriminator loss"]).toEqual({ text: "1.5", note: "equilibrium 2", best: false });
  expect(rows["Generator loss"]).toEqual({ text: "–", note: "no equilibrium", best: false });
  expect(rows["Training time"]?.text).toBe("1:10");
});

test("the best evaluation is marked as the catalogue has it, and none where it has none", () => {
  const jobs = [job({ fid_inception: 9, validation_gap: 1 }), job({ fid_inception: 4, validation_gap: 2 }), job(null)];
  const [at, fid, gap] = evaluated(jobs, CATALOGUE);
  expect(at?.values.map(({ text }) => text)).toEqual(["step 500", "step 500", "–"]);
  expect(fid?.values.map((value) => [value.text, value.best])).toEqual([
    ["9", false],
    ["4", true],
    ["–", false],
  ]);
  expect(fid?.description).toBe("Distance. In squared distance. Lower is better.");
  expect(gap?.values.some((value) => value.best)).toBe(false);
  expect(evaluated([job(null)], CATALOGUE)).toEqual([]);
});
