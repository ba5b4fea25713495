// How long ago something was; all ages of the page move on together.

import { useSyncExternalStore } from "react";
import { age, clock } from "../ui/format";

const EVERY = 5_000;
const watchers = new Set<() => void>();
let now = Date.now();
let timer: number | undefined;

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= window.setInterval(() => {
    now = Date.now();
    for (const each of watchers) each();
  }, EVERY);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

export function Age({ time }: { time: string }) {
  const written = useSyncExternalStore(watch, () => age(time, Math.max(now, Date.parse(time))));
  return (
    <time dateTime={time} title={clock(time)}>
      {written}
    </time>
  );
}
