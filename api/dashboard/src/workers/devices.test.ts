import { expect, test } from "vitest";
import type { Device, Worker } from "../api/types";
import { job } from "../jobs/fixture";
import { memoryOf, nameOf, speedOf, utilizationOf } from "./devices";

const GPU: Device = {
  kind: "cuda",
  index: 1,
  name: "NVIDIA H100",
  memory_bytes: 80e9,
  memory_used_bytes: 20e9,
  utilization_percent: 43.4,
};

test("a device is named, with its cores where it has any", () => {
  expect(nameOf(GPU)).toBe("GPU 1: NVIDIA H100");
  expect(nameOf({ ...GPU, name: null, index: null })).toBe("GPU");
  expect(nameOf({ ...GPU, kind: "cpu", name: "x86_64", cores: 16 })).toBe("CPU: x86_64, 16 cores");
  expect(nameOf({ ...GPU, kind: "cpu", name: "", cores: 1 })).toBe("CPU: 1 core");
});

test("what is used of it is told as far as it is known", () => {
  expect(memoryOf(GPU)).toEqual({ share: 0.25, text: "20 GB of 80 GB" });
  expect(memoryOf({ ...GPU, memory_used_bytes: null })).toEqual({ share: null, text: "80 GB in all" });
  expect(utilizationOf(GPU)).toEqual({ share: 0.434, text: "43 %" });
  const bare = { kind: "cpu", name: "x86_64", cores: 2 } as Device; // as workers of before answer
  expect([memoryOf(bare), utilizationOf(bare)]).toEqual([
    { share: null, text: "not known" },
    { share: null, text: "not known" },
  ]);
});

test("a worker that does not tell its speed is as fast as its jobs together", () => {
  const worker = { jobs: ["a", "b", "c"], steps_per_second: null } as Partial<Worker> as Worker;
  const jobs = new Map([
    ["a", job("a", { steps_per_second: 5 })],
    ["b", job("b", { steps_per_second: null })],
    ["c", job("c", { steps_per_second: 7 })],
  ]);
  expect(speedOf(worker, jobs)).toBe(12);
  expect(speedOf({ ...worker, steps_per_second: 3 }, jobs)).toBe(3);
  expect(speedOf(worker, new Map())).toBeNull();
});
