"""A headless Chromium on the page, told what it may not do: ask another host, fail in silence."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect, sync_playwright

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


# Sums up what moved without anybody having asked for it, as Chromium scores it.
SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""


def shifted(page: Page) -> float:
    """How far the page's parts have moved by themselves (its context must run ``SHIFTS`` first)."""
    return float(page.evaluate("window.shifted"))


def too_wide(page: Page) -> list[str]:
    """What makes a page wider than its window: empty where nothing does. What scrolls in a box of its own does not."""
    found: list[str] = page.evaluate(
        """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          const isBoxed = (each) =>
            each !== document.body && (getComputedStyle(each).overflowX !== "visible" || isBoxed(each.parentElement));
          return [...document.querySelectorAll("body *")]
            .filter((each) => each.getBoundingClientRect().right > width + 1 && !isBoxed(each.parentElement))
            .map((each) => `${each.tagName}.${each.className}`);
        }"""
    )
    return found


class Charts:
    """The curves on a job's page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.group = page.get_by_test_id("charts")

    def wait(self) -> "Charts":
        """Return once they are drawn as they are to be."""
        expect(self.group).to_have_attribute("data-ready", "true")
        return self

    def figure(self, name: str) -> int:
        """One of ``points``, ``bucket-steps``, ``first-step`` and ``last-step``; 0 where nothing is recorded yet."""
        return int(self.group.get_attribute(f"data-{name}") or 0)

    def show(self, first: int, last: int) -> "Charts":
        """Type a range of steps."""
        self.page.get_by_label("from", exact=True).fill(str(first))
        self.page.get_by_label("to step", exact=True).fill(str(last))
        self.page.get_by_role("button", name="Show", exact=True).click()
        return self.zoomed()

    def zoomed(self) -> "Charts":
        """Return once the range that the address names is drawn as closely as it can be."""
        expect(self.page).to_have_url(re.compile(r"from=\d+&to=\d+"))
        asked = parse_qs(urlsplit(self.page.url).query)
        expect(self.group).to_have_attribute("data-first-step", asked["from"][0])
        expect(self.group).to_have_attribute("data-last-step", asked["to"][0])
        return self.wait()

    @property
    def losses(self) -> Locator:
        return self.page.get_by_role("img", name="Losses, steps")

    def value(self, metric: str) -> Locator:
        """What the legend says of a metric at the step looked at."""
        return self.page.locator(f"[data-curve={metric}]").first

    def point_at(self, step: int) -> None:
        """Point at the losses where they are at a step: found as somebody would, by looking at what is said of it."""
        box = self.losses.bounding_box()
        assert box is not None
        left, right = box["x"], box["x"] + box["width"]
        for _ in range(24):
            middle = (left + right) / 2
            self.page.mouse.move(middle, box["y"] + box["height"] / 2)
            first, last = self.looked_at()
            if first <= step <= last:
                return
            left, right = (middle, right) if last < step else (left, middle)
        raise AssertionError(f"no place of the chart is at step {step}")

    def looked_at(self) -> tuple[int, int]:
        """The first and last step of the point that is looked at, as the page says it."""
        # The page looks once for each picture that the screen shows.
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        words = self.page.locator(".cursor-bar b").inner_text()
        steps = [int(word.replace(",", "")) for word in words.split() if word[0].isdigit()]
        return steps[0], steps[-1]
