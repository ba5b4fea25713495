// The list of jobs for a view that shows it.

import { useEffect, useSyncExternalStore } from "react";
import { curves } from "./curves";
import { feed, type Known } from "./feed";

/** What is known of the jobs; asked for while the view is there. */
export function useFeed(): Known {
  useEffect(() => {
    feed.start();
    curves.start();
    return () => {
      feed.stop();
      curves.stop();
    };
  }, []);
  return useSyncExternalStore(feed.watch, () => feed.known);
}
