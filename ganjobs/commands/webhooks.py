"""``webhooks``: who is told of jobs and their health, and what came of telling."""

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.markup import escape

from ganjobs import text
from ganjobs.commands.options import AsJson, Url, open_as, refuse, tell_deleted, write_json
from ganjobs.completion import complete_job, complete_webhook
from ganjobs.errors import ApiError
from ganjobs.jobref import resolve
from ganjobs.webhook_client import WebhookClient

HTTP_UNPROCESSABLE = 422
app = typer.Typer(help="Have messages sent when jobs change their state or their health.", no_args_is_help=True)


def _as_part(written: str) -> str:
    """An id as one part of a path, whatever was written for it."""
    return quote(written, safe="")


WebhookId = Annotated[
    str,
    typer.Argument(metavar="WEBHOOK", help="A webhook's id.", parser=_as_part, autocompletion=complete_webhook),
]
DeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY", help="A delivery's id.", parser=_as_part)]
Statuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        help="Only `pending`, `succeeded` or `failed` ones; repeatable.",
        autocompletion=lambda: ["pending", "succeeded", "failed"],
    ),
]


@app.command("list")
def list_webhooks(url: Url = None, as_json: AsJson = False) -> None:
    """List webhooks, newest first."""
    with open_as(WebhookClient, url) as client:
        found = list(client.webhooks())
    if as_json:
        return write_json(found)
    if not found:
        return text.say("no webhooks: make one with `ganjobs webhooks create URL`")
    table = text.make_table("ID", "URL", "EVENTS", "ENABLED", "FAILURES", "AGE", right=("FAILURES", "AGE"))
    for each in found:
        enabled = "yes" if each["enabled"] else "no"
        cells = (each["id"], each["url"], " ".join(each["events"]), enabled, str(each["failures"]))
        table.add_row(*map(escape, cells), text.age(each["created_at"]))
    return text.make_console().print(table)


@app.command()
def create(
    target: Annotated[str, typer.Argument(metavar="URL", help="Where messages go: http:// or https://.")],
    events: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="TYPE", help="As in `job.failed`, `job.*` or `health.*`; repeatable."),
    ] = None,
    job: Annotated[
        str | None,
        typer.Option("--job", metavar="JOB", help="Only messages about this job.", autocompletion=complete_job),
    ] = None,
    description: Annotated[str | None, typer.Option("--description", help="A word to know it by.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have messages sent to a URL. The secret that they are signed with is shown this once."""
    with open_as(WebhookClient, url) as client:
        job_id = None if job is None else resolve(client, job)
        try:
            made = client.create_webhook(target, events=events or None, job_id=job_id, description=description)
        except ApiError as error:
            if error.status != HTTP_UNPROCESSABLE:
                raise
            refuse(error)
    if as_json:
        return write_json(made)
    return text.say(f"created {made['id']}", f"secret  {made['secret']} (not shown again)")


@app.command()
def show(
    webhook: WebhookId,
    delivery: Annotated[str | None, typer.Argument(metavar="[DELIVERY]", help="One of its deliveries.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show a webhook, or one of its deliveries with what came of each attempt."""
    with open_as(WebhookClient, url) as client:
        found = client.webhook(webhook) if delivery is None else client.delivery(webhook, _as_part(delivery))
    if as_json:
        return write_json(found)
    if delivery is None:
        lines = [f"{name:<16} {text.compact(value)}" for name, value in found.items() if name != "object"]
        return text.say(*lines)
    text.say(f"{found['id']} {found['type']} is {found['status']}", text.compact(found["body"]))
    return text.say(*map(attempt_line, found["attempts"]))


def attempt_line(attempt: dict[str, Any]) -> str:
    """Time, number, answer and duration on one line."""
    answer = attempt["error"] or f"HTTP {attempt['http_status']} {attempt['response'] or ''}".rstrip()
    when = text.clock(attempt["created_at"])
    return f"{when} attempt {attempt['number']}: {' '.join(answer.split())} ({attempt['seconds']:.2f} s)"


@app.command()
def enable(webhook: WebhookId, url: Url = None, as_json: AsJson = False) -> None:
    """Send to a webhook again, what waited first."""
    _change(webhook, url, as_json, enabled=True)


@app.command()
def disable(webhook: WebhookId, url: Url = None, as_json: AsJson = False) -> None:
    """Send nothing to a webhook until it is enabled again."""
    _change(webhook, url, as_json, enabled=False)


def _change(webhook: str, url: str | None, as_json: bool, **changes: Any) -> None:
    with open_as(WebhookClient, url) as client:
        changed = client.change_webhook(webhook, **changes)
    if as_json:
        return write_json(changed)
    return text.say(f"{changed['id']} is {'enabled' if changed['enabled'] else 'disabled'}")


@app.command("rotate-secret")
def rotate_secret(webhook: WebhookId, url: Url = None, as_json: AsJson = False) -> None:
    """Give a webhook a new secret; the old one signs beside it for 24 hours."""
    with open_as(WebhookClient, url) as client:
        changed = client.rotate_webhook_secret(webhook)
    return write_json(changed) if as_json else text.say(f"secret  {changed['secret']} (not shown again)")


@app.command()
def delete(webhook: WebhookId, url: Url = None, as_json: AsJson = False) -> None:
    """Delete a webhook with its deliveries."""
    with open_as(WebhookClient, url) as client:
        client.delete_webhook(webhook)
    tell_deleted(webhook, as_json)


@app.command("test")
def send_test(webhook: WebhookId, url: Url = None, as_json: AsJson = False) -> None:
    """Send a test message."""
    with open_as(WebhookClient, url) as client:
        _tell(client.test_webhook(webhook), as_json)


@app.command()
def deliveries(
    webhook: WebhookId,
    statuses: Statuses = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="How many, newest first.")] = 20,
    after: Annotated[str | None, typer.Option("--after", metavar="ID", help="The next page, after this one.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List the messages for a webhook, newest first."""
    with open_as(WebhookClient, url) as client:
        page = client.deliveries(webhook, statuses or (), limit, after)
    if as_json:
        return write_json(page)
    if not page["data"]:
        return text.say("no deliveries")
    table = text.make_table("ID", "TYPE", "JOB", "STATUS", "ATTEMPTS", "AGE", right=("ATTEMPTS", "AGE"))
    for each in page["data"]:
        cells = (each["id"], each["type"], each["job_id"] or "-", each["status"], str(each["attempt_count"]))
        table.add_row(*map(escape, cells), text.age(each["created_at"]))
    console = text.make_console()
    console.print(table)
    if page["has_more"]:
        console.print(f"there are more: add --after {page['data'][-1]['id']}", style="dim")
    return None


@app.command()
def replay(webhook: WebhookId, delivery: DeliveryId, url: Url = None, as_json: AsJson = False) -> None:
    """Send a message again, whether it arrived or not."""
    with open_as(WebhookClient, url) as client:
        _tell(client.replay(webhook, delivery), as_json)


def _tell(delivery: dict[str, Any], as_json: bool) -> None:
    if as_json:
        return write_json(delivery)
    return text.say(f"{delivery['id']} waits to be sent to {delivery['webhook_id']}")
