"""Photograph every view of the page: ``python docs/make_page_images.py [--url URL] [--only VIEW]``.

At a service that runs already, or at one of its own. The jobs that are shown are trained for it, from `examples/` and
with settings that go wrong; those of their names that are there already are shown as they are.
"""

import io
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402 - the folders of the project come first
import typer  # noqa: E402
import yaml  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page, ViewportSize, expect  # noqa: E402
from support.browsing import DESKTOP, PHONE, Charts, chromium  # noqa: E402
from support.serving import running  # noqa: E402

from ganjobs.rest import Rest  # noqa: E402

TARGET = ROOT / "docs" / "images"
EXAMPLES = ("ring", "rollback", "saturating_ring", "grid", "radford2016_dcgan", "digits")
# By name: an example, and what is changed of it.
CHANGED: dict[str, tuple[str, dict[str, Any]]] = {
    "too greedy": ("ring", {"player": {"optimizer": {"kind": "adam", "learning_rate": 0.5}}}),
    "digits, for ever": ("digits", {"spec": {"steps": 1_000_000, "evaluate_every": None, "sample_every": 500}}),
}
RUNNING = "digits, for ever"
PATIENCE_MS = 60_000
LONGEST = 1800
MOST_BYTES = 150_000
COLOURS = 128

# The pixels of the screen by one of the page: a phone's picture would be a stamp.
LOOKS: dict[str, tuple[str, ViewportSize, float]] = {
    "light": ("light", DESKTOP, 1),
    "dark": ("dark", DESKTOP, 1),
    "phone": ("light", PHONE, 2),
}
Jobs = dict[str, str]


def specs() -> list[dict[str, Any]]:
    """Of the jobs that are shown, oldest first."""
    found = [read(name) for name in EXAMPLES]
    for name, (example, changes) in CHANGED.items():
        spec = read(example) | {"name": name} | changes.get("spec", {})
        for player in ("generator", "discriminator"):
            spec[player] = spec[player] | changes.get("player", {})
        found.append(spec)
    return [spec | {"metadata": {"project": "showcase"}} for spec in found]


def read(example: str) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load((ROOT / "examples" / f"{example}.yaml").read_text())
    return spec


def trained(client: Rest) -> Jobs:
    """The ids of the jobs by name: submitted where there is none of the name, and waited for."""
    there = {job["name"]: job["id"] for job in client.jobs()}
    jobs: Jobs = {}
    for spec in specs():
        jobs[spec["name"]] = there.get(spec["name"]) or client.create(spec)["id"]
    until = time.monotonic() + LONGEST
    while not all(is_ready(client.get(job_id)) for job_id in jobs.values()):
        if time.monotonic() > until:
            raise TimeoutError(f"the jobs were not trained after {LONGEST} s")
        time.sleep(2)
    return jobs


def is_ready(job: dict[str, Any]) -> bool:
    return job["finished_at"] is not None or (job["name"] == RUNNING and job["step"] > 2000)


def job_list(page: Page, jobs: Jobs) -> None:
    page.goto("/")
    expect(page.get_by_role("img", name="Newest sample of too greedy")).to_be_visible()


def job(name: str) -> Callable[[Page, Jobs], None]:
    def open_job(page: Page, jobs: Jobs) -> None:
        page.goto(f"/jobs/{jobs[name]}")
        Charts(page).wait()
        expect(page.locator(".sample-frame img").first).to_be_visible()

    return open_job


def samples(page: Page, jobs: Jobs) -> None:
    job("digits")(page, jobs)
    page.get_by_role("button", name="Two steps").click()
    page.get_by_role("region", name="Samples").scroll_into_view_if_needed()


def health(page: Page, jobs: Jobs) -> None:
    job("rollback")(page, jobs)
    page.get_by_role("tab", name="Rollbacks").click()
    page.get_by_role("region", name="Health").scroll_into_view_if_needed()


def compared(page: Page, jobs: Jobs) -> None:
    page.goto("/compare?jobs=" + ",".join(jobs[name] for name in ("ring", "rollback", "saturating ring")))
    expect(page.get_by_role("img", name="D loss of 3 jobs")).to_be_visible()
    expect(page.get_by_role("region", name="Samples").get_by_role("img")).to_have_count(3)


def new(page: Page, jobs: Jobs) -> None:
    page.goto("/new")
    expect(page.get_by_test_id("validity")).to_have_attribute("data-valid", "true")


def fork(page: Page, jobs: Jobs) -> None:
    page.goto(f"/jobs/{jobs['digits']}/fork")
    expect(page.get_by_test_id("validity")).to_have_attribute("data-valid", "true")
    page.locator("#root_batch_size").fill("32")


def workers(page: Page, jobs: Jobs) -> None:
    page.goto("/workers")
    expect(page.get_by_role("link", name=RUNNING)).to_be_visible()


VIEWS: dict[str, Callable[[Page, Jobs], None]] = {
    "jobs": job_list,
    "job": job("digits"),
    "running": job(RUNNING),
    "diverging": job("too greedy"),
    "rollback": health,
    "samples": samples,
    "compare": compared,
    "new": new,
    "fork": fork,
    "workers": workers,
}


def photograph(browser: Browser, url: str, look: str, view: str, jobs: Jobs) -> None:
    scheme, viewport, scale = LOOKS[look]
    context = browser.new_context(
        base_url=url,
        viewport=viewport,
        device_scale_factor=scale,
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    VIEWS[view](page, jobs)
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)  # what is asked for last, like small curves, is to be there
    small(page.screenshot(animations="disabled"), TARGET / f"page-{view}-{look}.png")
    context.close()


def small(png: bytes, target: Path) -> None:
    """Keep a picture, with fewer colours where it would be large."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    if out.tell() > MOST_BYTES:
        out = io.BytesIO()
        with_fewer_colours(image).save(out, "PNG", optimize=True)
    target.write_bytes(out.getvalue())
    typer.echo(f"{target.relative_to(ROOT)}: {out.tell() / 1000:.0f} kB")


def with_fewer_colours(image: Image.Image) -> Image.Image:
    """With a palette of the colours that are most of the picture, exactly, and of some that stand for all others: lines
    are few pixels of a colour of their own."""
    pixels = np.asarray(image)
    colours, at, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    often = colours[np.argsort(-counts)[:COLOURS]]
    others = Image.fromarray(colours[None]).quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB")
    palette = np.unique(np.concatenate([often, np.asarray(others)[0]]), axis=0).astype(int)
    nearest = [np.abs(palette - colour).sum(axis=1).argmin() for colour in colours.astype(int)]
    found = Image.fromarray(np.array(nearest, np.uint8)[at].reshape(pixels.shape[:2]), "P")
    found.putpalette(palette.astype(np.uint8).tobytes())
    return found


@contextmanager
def service(url: str | None) -> Iterator[str]:
    """The address of a service: the one named, or one of its own for as long as it is needed."""
    if url:
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="ganjobs-images-"))
    try:
        with running(folder / "data") as own:
            yield own.url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(
    url: Annotated[str | None, typer.Option(help="A service that runs already.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A view to photograph instead of all.")] = None,
) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    with service(url) as address, Rest(address) as client, chromium() as browser:
        jobs = trained(client)
        for view in only or VIEWS:
            for look in LOOKS:
                photograph(browser, address, look, view, jobs)


if __name__ == "__main__":
    typer.run(run)
