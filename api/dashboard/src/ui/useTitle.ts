// What the browser calls a view: in its tabs, its history and its bookmarks.

import { useEffect } from "react";

/** Null while the view does not know what it shows. */
export function useTitle(view: string | null): void {
  useEffect(() => {
    document.title = view === null ? "Ganjobs" : `${view} · Ganjobs`;
    return () => {
      document.title = "Ganjobs";
    };
  }, [view]);
}
