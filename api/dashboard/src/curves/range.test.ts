import { expect, test } from "vitest";
import { ALL, moved, rangeView, resolved, stepAt, viewOf, written, zoomed } from "./range";

const EXTENT = [1, 10_000] as const;
const range = (from: number, to: number) => ({ kind: "range", from, to });

test("a view goes into the address and comes back, and what else is there stays", () => {
  for (const view of [ALL, range(5, 90), { kind: "last", steps: 100 }] as const) {
    const query = written(new URLSearchParams("tab=spec&from=1&to=2&last=3"), view as never);
    expect(viewOf(query)).toEqual(view);
    expect(query.get("tab")).toBe("spec");
  }
});

test("an address that names no view shows all", () => {
  for (const query of ["", "from=5", "from=9&to=3", "from=a&to=b", "from=-1&to=5", "last=0", "last=x"])
    expect(viewOf(new URLSearchParams(query))).toEqual(ALL);
  expect(viewOf(new URLSearchParams("last=3"))).toEqual({ kind: "last", steps: 10 });
});

test("all and the newest steps move with the end, a range stays", () => {
  expect(resolved(ALL, [1, 500])).toEqual([1, 500]);
  expect(resolved({ kind: "last", steps: 100 }, [1, 500])).toEqual([401, 500]);
  expect(resolved({ kind: "last", steps: 100 }, [1, 50])).toEqual([1, 50]);
  expect(resolved({ kind: "range", from: 7, to: 9000 }, [1, 500])).toEqual([7, 9000]);
});

test("zooming keeps the step under the pointer where it is", () => {
  expect(zoomed([1001, 2001], 0.5, 1201, EXTENT)).toEqual(range(1101, 1601));
  expect(zoomed([1101, 1601], 2, 1201, EXTENT)).toEqual(range(1001, 2001));
});

test("a range stays inside what there is, and is never narrower than ten steps", () => {
  expect(zoomed([1, 9000], 2, 10, EXTENT)).toEqual(ALL);
  expect(moved([9001, 9901], 0.5, EXTENT)).toEqual(range(9100, 10_000));
  expect(moved([101, 201], -5, EXTENT)).toEqual(range(1, 101));
  expect(rangeView([500.4, 500.6], EXTENT)).toEqual(range(500, 509));
  expect(rangeView([700, 600], EXTENT)).toEqual(range(600, 700));
  expect(rangeView([3, 3], [1, 5])).toEqual(ALL);
});

test("the step at a share of a range is a step of it", () => {
  expect([0, 0.5, 1, -1, 2].map((share) => stepAt(share, [101, 201]))).toEqual([101, 151, 201, 101, 201]);
});
