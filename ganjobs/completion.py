"""What the shell offers for a word that is not finished: jobs, webhooks, specs. It never waits long, nor complains."""

from pathlib import Path
from typing import Any

import typer

# The shell waits while we ask.
SECONDS = 0.8
OFFERED = 50
EXAMPLES = "examples"


def complete_job(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids of the newest jobs, each with its name and state; none where nobody answers at once."""
    jobs = _asked(ctx, "/v1/jobs")
    ids = [(job["id"], " ".join((job["name"] or "", job["status"])).strip()) for job in jobs]
    found = [(job_id, said) for job_id, said in ids if job_id.startswith(incomplete)]
    bare = [(job_id, said) for job_id, said in ids if job_id.removeprefix("job_").startswith(incomplete)]
    latest = [("latest", "the newest job")] if ids and "latest".startswith(incomplete) else []
    return [*latest, *(found or bare)]


def complete_webhook(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids of webhooks, each with where it sends to."""
    return [(each["id"], each["url"]) for each in _asked(ctx, "/v1/webhooks") if each["id"].startswith(incomplete)]


def complete_spec(incomplete: str) -> list[str]:
    """Folders and files of specs below where one stands, and the examples that come with the source."""
    folder, _, start = incomplete.rpartition("/")
    here = Path(folder or ("/" if incomplete.startswith("/") else "."))
    prefix = f"{folder}/" if "/" in incomplete else ""
    found = []
    try:
        for path in sorted(here.iterdir()):
            if path.name.startswith(start) and (start or not path.name.startswith(".")):
                if path.is_dir():
                    found.append(f"{prefix}{path.name}/")
                elif path.suffix in (".yaml", ".yml", ".json"):
                    found.append(prefix + path.name)
    except OSError:  # not a folder, or not ours to read: there is nothing to offer
        return []
    return list(dict.fromkeys([*found, *(path for path in _examples() if path.startswith(incomplete))]))


def _examples() -> list[str]:
    """The paths of the example specs."""
    from ganjobs.hints import EXAMPLES, shown

    return [shown(path) for path in sorted(EXAMPLES.glob("*.yaml"))]


def _asked(ctx: typer.Context, path: str) -> list[dict[str, Any]]:
    """The newest of a list of the API, asked once."""
    import httpx
    from pydantic import ValidationError

    from ganjobs.address import find
    from ganjobs.connection import Connection
    from ganjobs.errors import ClientError

    try:
        options = Connection.to(_url(ctx) or find()).options
        with httpx.Client(**options, timeout=SECONDS) as client:
            response = client.get(path, params={"limit": OFFERED})
        return list(response.raise_for_status().json()["data"])
    except (httpx.HTTPError, httpx.InvalidURL, ClientError, ValidationError, ValueError, KeyError, TypeError):
        return []  # a shell's prompt is no place for our troubles


def _url(ctx: typer.Context) -> str | None:
    """What --url says, before or behind the word that is completed."""
    url = ctx.params.get("url")
    return url if isinstance(url, str) else None
