import { expect, test } from "vitest";
import type { Status } from "../api/types";
import { allowed } from "./allowed";

const of = (status: Status, start_step = 0, hasCheckpoints = true) =>
  Object.entries(allowed({ status, start_step }, hasCheckpoints))
    .filter(([, may]) => may)
    .map(([action]) => action);

test("each state allows what the service would do", () => {
  expect(of("queued", 0, false)).toEqual(["pause", "cancel"]);
  expect(of("running")).toEqual(["pause", "cancel", "fork"]);
  expect(of("pausing")).toEqual(["cancel", "fork"]);
  expect(of("paused")).toEqual(["resume", "cancel", "fork"]);
  expect(of("cancelling")).toEqual(["fork"]);
  expect(of("succeeded")).toEqual(["fork", "delete"]);
  expect(of("failed")).toEqual(["retry", "fork", "delete"]);
});

test("a fork is not tried again: its origin is forked again", () => {
  expect(of("failed", 500)).toEqual(["fork", "delete"]);
});
