import { expect, test } from "vitest";
import { ALL, askedFor, inside, moved, rangeView, resolved, stepAt, type View, viewOf, written, zoomed } from "./range";

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
  expect(resolved({ kind: "range", from: 7, to: 90 }, [1, 500])).toEqual([7, 90]);
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

test("a range is of steps that there are: as much of it as there is, or else the nearest as wide", () => {
  const seen = (from: number, to: number) => resolved({ kind: "range", from, to }, [101, 500]);
  expect(seen(300, 9000)).toEqual([300, 500]);
  expect(seen(5, 200)).toEqual([101, 200]);
  expect(seen(9000, 9099)).toEqual([401, 500]);
  expect(seen(1, 51)).toEqual([101, 151]);
  expect(seen(9000, 99_000)).toEqual([101, 500]);
  expect(inside(ALL, [101, 500])).toBe(ALL);
});

test("the newest steps are asked for once, and again after the job has gone back", () => {
  const last: View = { kind: "last", steps: 100 };
  const first = askedFor(null, last, [1, 500], 10_000);
  expect(first?.range).toEqual([401, 10_000]);
  expect(askedFor(first, { ...last }, [1, 900], 10_000)).toBe(first);
  expect(askedFor(first, last, [1, 450], 10_000)?.range).toEqual([351, 10_000]);
  expect(askedFor(first, { kind: "last", steps: 200 }, [1, 900], 10_000)?.range).toEqual([701, 10_000]);
  expect(askedFor(first, ALL, [1, 900], 10_000)).toBeNull();
  const range: View = { kind: "range", from: 5, to: 9000 };
  expect(askedFor(first, range, [1, 900], 10_000)?.range).toEqual([5, 9000]);
});
