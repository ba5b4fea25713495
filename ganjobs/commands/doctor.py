"""``doctor``: whether everything is reachable, and what to do if not."""

from collections.abc import Iterator
from dataclasses import asdict

import typer
from rich.markup import escape

from ganjobs import exitcodes, text
from ganjobs.commands import server
from ganjobs.commands.options import AsJson, Url, open_client, write_json
from ganjobs.doctor import Finding, State, disk, examine, is_here

STYLES = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


def doctor(context: typer.Context, url: Url = None, as_json: AsJson = False) -> None:
    """Look whether everything is reachable, and say what to do where something is not.

    Exit status: 0 where nothing fails, 1 where something does; warnings do not count.
    """
    console = text.make_console()
    found = []
    for finding in findings(context, url):
        found.append(finding)
        if not as_json:
            advice = f" [dim]→ {escape(finding.advice)}[/]" if finding.advice else ""
            state = f"[{STYLES[finding.state]}]{finding.state:<4}[/]"
            console.print(f"{state}  {finding.name:<16}  {escape(finding.detail)}{advice}", soft_wrap=True)
    if as_json:
        write_json([asdict(finding) for finding in found])
    failed = any(finding.state is State.FAIL for finding in found)
    raise typer.Exit(exitcodes.FAILURE if failed else exitcodes.OK)


def findings(context: typer.Context, url: str | None) -> Iterator[Finding]:
    """All that is found, one after the other."""
    with open_client(url) as client:
        yield from examine(client, address_source(context, url))
        if not is_here(client.url):
            return
    if server.is_installed():
        from ganjobs import doctor_local

        yield from doctor_local.examine()
        return
    from ganjobs.environment import Address

    folder = Address().resolved_data_folder
    if folder.exists():
        yield disk(folder)


def address_source(context: typer.Context, url: str | None) -> str:
    """Where the address of the API was taken from, in words."""
    if url is not None:
        source = context.get_parameter_source("url")
        return "from GANJOBS_URL" if source is not None and source.name == "ENVIRONMENT" else "from --url"
    from ganjobs.address import FILE_NAME
    from ganjobs.environment import Address

    address = Address()
    if address.url:
        return "from GANJOBS_URL"
    if named := sorted(address.model_fields_set & {"host", "port"}):
        return "from " + " and ".join(f"GANJOBS_{name.upper()}" for name in named)
    file = address.resolved_data_folder / FILE_NAME
    return f"from {file}, where a service wrote it" if file.exists() else "the default: nothing names another"
