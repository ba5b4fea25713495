// Light, dark, or what the system prefers.

import { useState } from "react";

const KEY = "ganjobs.theme";
const NEXT = { system: "light", light: "dark", dark: "system" } as const;
const MARK = { system: "◐", light: "☀", dark: "☾" } as const;
type Theme = keyof typeof NEXT;

function chosen(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

function choose(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Not kept then: it holds until the page is left.
  }
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(chosen);
  const change = () => {
    choose(NEXT[theme]);
    setTheme(NEXT[theme]);
  };
  return (
    <button
      type="button"
      className="quiet"
      onClick={change}
      title={`Colours: ${theme}`}
      aria-label={`Colours: ${theme}. Change`}
    >
      <span aria-hidden="true">{MARK[theme]}</span>
    </button>
  );
}
