import { expect, test, vi } from "vitest";
import { ApiError } from "../api/http";
import { Pictures } from "./pictures";

function kept(limit: number) {
  const asked: string[] = [];
  const freed: string[] = [];
  const load = async (url: string) => {
    asked.push(url);
    if (url.endsWith("gone")) throw new Error("gone");
    return { src: `blob:${url}`, width: 8, height: 8 };
  };
  return { asked, freed, pictures: new Pictures(limit, load, (picture) => freed.push(picture.src)) };
}

test("a picture is loaded once, also when it is asked for twice at the same moment", async () => {
  const { asked, pictures } = kept(3);
  expect(pictures.get("a")).toBeNull();
  const [one, two] = await Promise.all([pictures.load("a"), pictures.load("a")]);
  expect(one).toBe(two);
  expect(await pictures.load("a")).toBe(one);
  expect(asked).toEqual(["a"]);
});

test("the picture that was looked at longest ago goes first, and is freed", async () => {
  const { freed, pictures } = kept(2);
  await pictures.load("a");
  await pictures.load("b");
  pictures.get("a");
  await pictures.load("c");
  expect(freed).toEqual(["blob:b"]);
  expect([pictures.get("a"), pictures.get("b"), pictures.get("c")].map((each) => each?.src)).toEqual([
    "blob:a",
    undefined,
    "blob:c",
  ]);
});

test("what failed is asked for again, and what is forgotten is not kept when it comes", async () => {
  const { asked, freed, pictures } = kept(2);
  await expect(pictures.load("x/gone")).rejects.toThrow("gone");
  await expect(pictures.load("x/gone")).rejects.toThrow("gone");
  expect(asked).toHaveLength(2);
  await pictures.load("y/1");
  await pictures.load("x/1");
  const coming = pictures.load("x/2");
  pictures.forget("x/");
  await coming;
  expect([pictures.get("x/1"), pictures.get("x/2"), freed]).toEqual([null, null, ["blob:x/1"]]);
  expect(pictures.get("y/1")?.src).toBe("blob:y/1");
});

test("what cannot be had need not be waited for, and is given another chance when told to", async () => {
  const { pictures } = kept(2);
  let told = 0;
  const stop = pictures.watch(() => told++);
  expect(pictures.settled("x/gone")).toBe(false);
  await expect(pictures.load("x/gone")).rejects.toThrow("gone");
  expect(pictures.settled("x/gone")).toBe(true);
  pictures.again();
  expect([pictures.settled("x/gone"), pictures.round, told]).toEqual([false, 1, 1]);
  pictures.again(); // nothing has failed since
  expect([pictures.round, told]).toEqual([1, 1]);
  stop();
});

test("what may pass is given another chance by itself, what is refused is not", async () => {
  vi.useFakeTimers();
  const refused = async () => Promise.reject(new ApiError("no such sample", 404));
  const away = async () => Promise.reject(new ApiError("the service cannot be reached", 0));
  for (const [load, rounds] of [
    [refused, 0],
    [away, 1],
  ] as const) {
    const pictures = new Pictures(2, load, () => {});
    const stop = pictures.watch(() => {});
    await expect(pictures.load("a")).rejects.toThrow(ApiError);
    vi.advanceTimersByTime(10_000);
    expect(pictures.round).toBe(rounds);
    stop();
  }
  vi.useRealTimers();
});
