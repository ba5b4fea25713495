// Before anything is drawn, so that a page chosen to be dark is never white first.
try {
  const chosen = localStorage.getItem("ganjobs.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // A browser that keeps nothing shows what the system prefers.
}
