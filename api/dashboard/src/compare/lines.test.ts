import { expect, test } from "vitest";
import type { Job, MetricBuckets } from "../api/types";
import { asked, type Compared, extentOf, isLog, marked, partOf, readAt, sharedScale } from "./lines";

const curve = (mean: (number | null)[], max = mean, min = mean): MetricBuckets => ({
  object: "metric_buckets",
  job_id: "job",
  segment: 0,
  bucket_steps: 2,
  first_step: mean.map((_, at) => 2 * at + 1),
  last_step: mean.map((_, at) => 2 * at + 2),
  count: mean.map(() => 2),
  columns: { d_loss: { min, max, mean, last: mean, non_finite: mean.map(() => 0) }, r_t: null },
  next_step: 2 * mean.length + 1,
});
const job = (step: number, steps: number) => ({ id: "job", step, steps }) as Job;
const compared = (steps: number, held: MetricBuckets): Compared => ({ job: job(steps, steps), curve: held, index: 0 });

test("the axis reaches as far as the job that has come furthest", () => {
  expect(extentOf([job(50, 100), job(10, 1000)], "step")).toEqual([0, 50]);
  expect(extentOf([job(50, 100), job(10, 1000)], "progress")).toEqual([0, 5000]);
  expect(extentOf([job(0, 100)], "step")).toEqual([0, 1]);
});

test("the steps asked for fill the range of every job", () => {
  expect(asked([100, 200], [1000, 50], "step")).toEqual([100, 200]);
  expect(asked([5000, 7500], [1000, 50], "progress")).toEqual([25, 750]);
});

test("a line goes on to the edge: one bucket more is drawn on either side", () => {
  const ten = compared(10, curve([1, 2, 3, 4, 5]));
  expect(partOf(ten, [5, 6], "step")).toEqual([1, 4]);
  expect(partOf(ten, [5000, 6000], "progress")).toEqual([1, 4]);
  expect(partOf(ten, [0, 10], "step")).toEqual([0, 5]);
});

test("a spike that is in the range is on the axis, whatever the mean is", () => {
  const spiked = compared(4, curve([1, 1], [1, 900], [1, 0]));
  const axis = { range: [0, 4], along: "step", log: false, cut: false } as const;
  expect(sharedScale([compared(4, curve([2, 3])), spiked], "d_loss", axis, [1.386]).high).toBeGreaterThan(900);
  expect(sharedScale([spiked], "d_loss", { ...axis, range: [0, 2] }, [5]).high).toBeLessThan(6);
  expect(sharedScale([spiked], "r_t", axis, [])).toEqual({ log: false, low: 0, high: 1 });
});

test("a job that diverges does not flatten the others, and all that are of one size are shown whole", () => {
  const axis = { range: [0, 400], along: "step", log: false, cut: true } as const;
  const about = (size: number) =>
    compared(400, curve(Array.from({ length: 200 }, (_, at) => size * (1 + (at % 5) / 10))));
  const diverged = compared(400, curve(Array.from({ length: 200 }, (_, at) => (at < 20 ? 1 : 1e6 * at))));
  const alone = sharedScale([about(1)], "d_loss", axis, [1.386]);
  expect(sharedScale([about(1), diverged], "d_loss", axis, [1.386])).toEqual(alone);
  expect(sharedScale([diverged, about(1)], "d_loss", axis, [1.386])).toEqual(alone);
  expect(sharedScale([about(1), about(-1), diverged], "d_loss", axis, []).low).toBeLessThan(-1.3);
  expect(sharedScale([about(0.7), about(7)], "d_loss", axis, []).high).toBeGreaterThan(9.7);
  expect(sharedScale([about(1), diverged], "d_loss", { ...axis, cut: false }, []).high).toBeGreaterThan(1e8);
  const decades = sharedScale([about(1), diverged], "d_loss", { ...axis, log: true }, []);
  expect(decades.high).toBeLessThan(1);
  expect(sharedScale([about(1), about(50)], "d_loss", { ...axis, log: true }, []).high).toBeGreaterThan(1.8);
});

test("a job has a value where it has been, and its last one where no place is looked at", () => {
  const ten = compared(10, curve([1, 2, 3, 4, 5]));
  expect([null, 3, 10].map((place) => readAt(ten, "d_loss", place, "step")?.mean)).toEqual([5, 2, 5]);
  expect(readAt(ten, "d_loss", 4000, "progress")?.mean).toBe(2);
  expect([readAt(ten, "d_loss", 11, "step"), readAt(ten, "r_t", 3, "step")]).toEqual([null, null]);
  expect(readAt(compared(10, curve([])), "d_loss", 1, "step")).toBeNull();
});

test("marks are spread over a line, and one is at its end", () => {
  const line = Array.from({ length: 100 }, (_, at): [number, number | null] => [at, at % 7 ? at : null]);
  const marks = marked(line, 5);
  expect(marks.length).toBeGreaterThanOrEqual(5);
  expect(marks.length).toBeLessThanOrEqual(7);
  expect(marks.at(-1)).toEqual([99, 99]);
  expect(marked([], 5)).toEqual([]);
});

test("gradient norms are always logarithmic, losses where it is wanted, and probabilities never", () => {
  expect(["g_grad_norm", "d_loss", "r1_penalty", "d_real", "d_fake_logit"].map((name) => isLog(name, true))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect([isLog("d_grad_norm", false), isLog("d_loss", false)]).toEqual([true, false]);
});
