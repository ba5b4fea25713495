"""A headless Chromium on the page, told what it may not do: ask another host, fail in silence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

AXE = Path(__file__).parents[2] / "api/dashboard/node_modules/axe-core/axe.min.js"
# It must not look for updates or services of its own: what is counted is what the page asks for.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SERIOUS = ("serious", "critical")
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium that ``CHROMIUM`` names, or Playwright's own. Its language is set: dates are written by it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or None,
            args=list(ARGUMENTS),
            env={**os.environ, "LANG": "en_US.UTF-8"},
        )
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """What happened on pages of a context: requests, and what the page itself called an error."""

    def __init__(self, context: BrowserContext) -> None:
        self.requested: list[str] = []
        self.errors: list[str] = []
        context.on("request", lambda request: self.requested.append(request.url))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", lambda message: self._note(message.type, message.text))

    def _note(self, kind: str, text: str) -> None:
        # A request that fails is written to the console, too, also where the page expects it.
        if kind == "error" and "Failed to load resource" not in text and "net::ERR" not in text:
            self.errors.append(text)

    def strangers(self, origin: str) -> list[str]:
        """Addresses that were asked for and are not of ``origin`` (nor in the page itself)."""
        ours = urlsplit(origin)
        return [
            url
            for url in self.requested
            if urlsplit(url).scheme not in ("data", "blob")
            and (urlsplit(url).scheme, urlsplit(url).netloc) != (ours.scheme, ours.netloc)
        ]


def faults(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds serious or critical (WCAG 2.2 A and AA, and best practice) on a page as it is now."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        {"rule": fault["id"], "impact": fault["impact"], "where": [node["target"] for node in fault["nodes"][:5]]}
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
    ]
