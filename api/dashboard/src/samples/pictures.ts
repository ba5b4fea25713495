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

/** Pictures by their address, the `limit` that were asked for last; a picture is loaded once however often. */
export class Pictures {
  private readonly held = new Map<string, Picture>();
  private readonly coming = new Map<string, Promise<Picture>>();
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
      return picture;
    } finally {
      if (this.coming.get(url) === promise) this.coming.delete(url);
    }
  }

  /** Forget all pictures whose address begins with `prefix`. */
  forget(prefix: string): void {
    for (const url of this.coming.keys()) if (url.startsWith(prefix)) this.coming.delete(url);
    for (const [url, picture] of this.held) {
      if (!url.startsWith(prefix)) continue;
      this.held.delete(url);
      this.free(picture);
    }
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
