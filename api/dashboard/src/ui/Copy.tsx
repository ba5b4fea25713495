// A button that puts a text on the clipboard, and says whether it could.

import { useEffect, useState } from "react";

export function Copy({ text, what, children }: { text: string; what: string; children?: string }) {
  const [said, setSaid] = useState<"" | "Copied" | "Not copied">("");
  useEffect(() => {
    if (!said) return;
    const timer = window.setTimeout(() => setSaid(""), 1600);
    return () => window.clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      // There is no clipboard on a page that is not served securely.
      await navigator.clipboard.writeText(text);
      setSaid("Copied");
    } catch {
      setSaid("Not copied");
    }
  };
  return (
    <button type="button" className="quiet copy" aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={copy}>
      <svg
        aria-hidden="true"
        width="14"
        height="14"
        viewBox="0 0 16 16"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
      >
        {said === "Copied" ? (
          <path d="M3 8.5 6.5 12 13 4.5" />
        ) : said ? (
          <path d="M4 4l8 8M12 4l-8 8" />
        ) : (
          <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />
        )}
      </svg>
      {children && <span aria-hidden="true">{said || children}</span>}
      <span className="sr-only" role="status">
        {said}
      </span>
    </button>
  );
}
