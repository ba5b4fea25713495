import { expect, test } from "vitest";
import type { SampleSteps } from "../api/types";
import { type AnimationForm, atOrBefore, indexAt, planned, withSample } from "./steps";

const STEPS = [0, 100, 200, 300];
const held = (steps: number[]): SampleSteps => ({ job_id: "job", segment: 0, steps, width: 8, height: 4 });
const drawn = (step: number) => ({ step, width: 16, height: 8, url: `/v1/jobs/job/samples/${step}` });
const FORM: AnimationForm = { format: "gif", from: 0, to: 300, frames: 60, framesPerSecond: 10, side: 384 };

test("the nearest sample is the last one at or before a step", () => {
  expect([-5, 0, 99, 100, 250, 300, 9000].map((step) => indexAt(STEPS, step))).toEqual([0, 0, 0, 1, 2, 3, 3]);
  expect([-5, 0, 99, 100, 9000].map((step) => atOrBefore(STEPS, step))).toEqual([null, 0, 0, 100, 300]);
  expect([indexAt([], 3), atOrBefore([], 3)]).toEqual([-1, null]);
});

test("a new sample comes behind, an old one into its place, and one that is there changes nothing", () => {
  expect(withSample(held(STEPS), drawn(400))).toEqual({ ...held([...STEPS, 400]), width: 16, height: 8 });
  expect(withSample(held([100, 300]), drawn(200)).steps).toEqual([100, 200, 300]);
  expect(withSample(held([100]), drawn(0)).steps).toEqual([0, 100]);
  expect(withSample(held([]), drawn(0)).steps).toEqual([0]);
  const known = held(STEPS);
  expect(withSample(known, drawn(200))).toBe(known);
});

test("an animation's plan counts what is in the range, and lets the last image rest", () => {
  expect(planned(STEPS, FORM)).toEqual({ there: 4, shown: 4, seconds: 0.9 });
  expect(planned(STEPS, { ...FORM, from: 50, frames: 2 })).toEqual({ there: 3, shown: 2, seconds: 0.7 });
});

test("an animation that cannot be made is refused in words", () => {
  expect(planned(STEPS, { ...FORM, from: 400, to: 300 })).toMatch(/first step/);
  expect(planned(STEPS, { ...FORM, from: 301, to: 400 })).toMatch(/No sample/);
  expect(planned(STEPS, { ...FORM, frames: 1 })).toMatch(/images must be from 2 to 200/);
  expect(planned(STEPS, { ...FORM, framesPerSecond: Number.NaN })).toMatch(/speed must be from 0.5 to 30/);
});
