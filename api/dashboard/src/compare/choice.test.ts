import { expect, test } from "vitest";
import { best, choiceOf, chosen, pointsEach } from "./choice";

const id = (end: string) => `job_${end.padStart(24, "0")}`;
const IDS = [..."12345678"].map(id);

test("an address and a choice say the same", () => {
  const query = new URLSearchParams(
    `jobs=${id("a")},${id("b")},${id("a")}&metrics=d_real,d_fake&x=progress&from=1&to=9`,
  );
  const choice = choiceOf(query);
  expect(choice).toEqual({ jobs: [id("a"), id("b")], metrics: ["d_real", "d_fake"], along: "progress" });
  expect(choiceOf(chosen(query, choice))).toEqual(choice);
  expect(chosen(query, { ...choice, jobs: [id("b")] }).get("from")).toBe("1");
});

test("what is as usual is not said, and what is amiss is passed over", () => {
  const choice = choiceOf(new URLSearchParams(`jobs=${IDS},<b>,job_9,${id("9")}&metrics=<b>&x=time`));
  expect(choice).toEqual({ jobs: IDS, metrics: ["d_loss", "g_loss"], along: "step" });
  expect(chosen(new URLSearchParams(), { ...choice, jobs: [] }).toString()).toBe("");
});

test("all curves together keep to the API's limit", () => {
  for (const jobs of [1, 2, 8]) expect(jobs * pointsEach(jobs)).toBeLessThanOrEqual(16_000);
  expect(pointsEach(64)).toBe(250);
});

test("the best value is marked where there is one to be better than", () => {
  expect(best([3, 1, null, "NaN"], "lower")).toEqual([false, true, false, false]);
  expect(best([3, 1, 3], "higher")).toEqual([true, false, true]);
  expect([best([3, null], "lower"), best([2, 2], "lower"), best([1, 2], null)]).toEqual([
    [false, false],
    [false, false],
    [false, false],
  ]);
});
