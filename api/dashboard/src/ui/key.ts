// Keys under which a request is done once however often it is sent.

/** 128 random bits. `crypto.randomUUID` is not there on a page that is served by plain HTTP from another host. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
