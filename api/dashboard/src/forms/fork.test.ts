import { expect, test } from "vitest";
import { isFixedInFork, stepsAfter, tooShortFor } from "./fork";

test("the networks stay as they are; how they are trained may change", () => {
  const fixed = [["generator", "kind"], ["generator", "latent_dim"], ["discriminator", "hidden_sizes", 0], ["pack"]];
  const free = [
    ["generator"],
    ["generator", "optimizer", "learning_rate"],
    ["discriminator", "frozen"],
    ["loss", "kind"],
  ];
  expect(fixed.map(isFixedInFork)).toEqual(fixed.map(() => true));
  expect(free.map(isFixedInFork)).toEqual(free.map(() => false));
  expect([["conditional"], ["conditional", "kind"], ["conditional", "weight"]].map(isFixedInFork)).toEqual([
    true,
    true,
    false,
  ]);
});

test("a fork of a job's end is as long again", () => {
  expect([stepsAfter({ steps: 100 }, 50), stepsAfter({ steps: 100 }, 100), stepsAfter({}, 5)]).toEqual([100, 200, 6]);
});

test("a fork ends behind its checkpoint", () => {
  expect(tooShortFor({ steps: 101 }, 100)).toEqual([]);
  expect(tooShortFor({ steps: 100 }, 100).map(({ field }) => field)).toEqual(["steps"]);
  expect(tooShortFor({ steps: "1e" }, 100)).toEqual([]);
});
