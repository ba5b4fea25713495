// Sample images, decoded before they are shown: the last ones looked at are kept, so that going back and forth, playing
// and pointing at a chart never shows an empty frame.

import { ApiError } from "../api/http";

export interface Picture {
  /** What an <img> shows at once. */
  src: string;
  width: number;
  height: number;
}

type Load = (url: string) => Promise<Picture>;

/** How long one that cannot be had now is waited with (ms), while somebody looks at its place. */
const AGAIN = 5_000;

/** Whether what went wrong may pass: the service was away, or was not well. */
const passes = (error: unknown): boolean => !(error instanceof ApiError) || error.status === 0 || error.status >= 500;

/** Pictures by their address, the `limit` that were asked for last; a picture is loaded once however often. */
export class Pictures {
  private readonly held = new Map<string, Picture>();
  private readonly coming = new Map<string, Promise<Picture>>();
  /** Those that could not be loaded, and whether that may pass. */
  private readonly failed = new Map<string, boolean>();
  private readonly watchers = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** How often what failed was given another chance: what shows such a picture asks for it again. */
  round = 0;
  private readonly limit: number;
  private readonly fetched: Load;
  private readonly free: (picture: Picture) => void;

  constructor(limit: number, fetched: Load, free: (picture: Picture) => void) {
    this.limit = limit;
    this.fetched = fetched;
    this.free = free;
  }

  /** The picture, if it can be shown at once. */
  get(url: string): Picture | null {
    const picture = this.held.get(url);
    if (picture === undefined) return null;
    this.held.delete(url);
    this.held.set(url, picture); // asked for last
    return picture;
  }

  /** The picture once it can be shown. Rejects with `ApiError`. */
  async load(url: string): Promise<Picture> {
    const known = this.get(url) ?? this.coming.get(url);
    if (known) return known;
    const promise = this.fetched(url);
    this.coming.set(url, promise);
    try {
      const picture = await promise;
      // Forgotten while it came: it is of what is no more.
      if (this.coming.get(url) === promise) this.keep(url, picture);
      this.failed.delete(url);
      return picture;
    } catch (error) {
      this.failed.set(url, passes(error));
      this.wait();
      throw error;
    } finally {
      if (this.coming.get(url) === promise) this.coming.delete(url);
    }
  }

  /** Whether a picture need not be waited for: it is there, or cannot be had. */
  settled(url: string): boolean {
    return this.failed.has(url) || this.get(url) !== null;
  }

  /** Have those that could not be loaded asked for again where they are shown. */
  readonly again = (): void => {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.failed.size === 0) return;
    this.failed.clear();
    this.round += 1;
    for (const watcher of this.watchers) watcher();
  };

  /** For `useSyncExternalStore`: told of every new `round`. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    this.wait();
    return () => {
      this.watchers.delete(watcher);
    };
  };

  /** Forget all pictures whose address begins with `prefix`. */
  forget(prefix: string): void {
    for (const url of this.failed.keys()) if (url.startsWith(prefix)) this.failed.delete(url);
    for (const url of this.coming.keys()) if (url.startsWith(prefix)) this.coming.delete(url);
    for (const [url, picture] of this.held) {
      if (!url.startsWith(prefix)) continue;
      this.held.delete(url);
      this.free(picture);
    }
  }

  private wait(): void {
    if (this.watchers.size === 0 || ![...this.failed.values()].includes(true)) return;
    this.timer ??= setTimeout(this.again, AGAIN);
  }

  private keep(url: string, picture: Picture): void {
    this.held.set(url, picture);
    for (const [oldest, freed] of this.held) {
      if (this.held.size <= this.limit) return;
      this.held.delete(oldest);
      this.free(freed);
    }
  }
}

async function fetched(url: string): Promise<Picture> {
  const src = URL.createObjectURL(await bytesOf(url));
  const image = new Image();
  image.src = src;
  try {
    await image.decode();
  } catch {
    URL.revokeObjectURL(src);
    throw new ApiError("What is stored as this sample is no image.", 0);
  }
  return { src, width: image.naturalWidth, height: image.naturalHeight };
}

async function bytesOf(url: string): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch {
    throw new ApiError("The sample cannot be loaded: the service cannot be reached.", 0);
  }
  if (!response.ok) throw new ApiError(`The sample cannot be loaded (${response.status}).`, response.status);
  return response.blob();
}

/** Of all jobs that are looked at. An <img> goes on showing what it has loaded when its address is given back. */
export const pictures = new Pictures(240, fetched, (picture) => URL.revokeObjectURL(picture.src));
