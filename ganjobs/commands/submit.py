"""``submit`` and ``validate``: from a spec file to a job."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ganjobs import text
from ganjobs.commands.actions import tell_new
from ganjobs.commands.options import AsJson, Follow, Url, open_client, refuse, write_json
from ganjobs.completion import complete_spec
from ganjobs.errors import NotValid

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A spec as YAML or JSON.", autocompletion=complete_spec)]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Override a field, as in `generator.latent_dim=32`; repeatable."),
]


def submit(
    spec: SpecFile,
    follow: Follow = False,
    name: Annotated[str | None, typer.Option("--name", help="Name the job; overrides the spec's name.")] = None,
    priority: Annotated[
        int | None, typer.Option("--priority", help="Jobs of higher priority go first; overrides the spec's.")
    ] = None,
    overrides: Overrides = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job.

    The spec is checked here first where it can be, then by the API. With --follow and --json the job and its states
    are lines of JSON.
    """
    body = checked_spec(spec, overrides or [], name=name, priority=priority)
    with open_client(url) as client:
        with refused_specs():
            job = client.create(body)
        tell_new(client, job, follow, as_json)


def validate(spec: SpecFile, overrides: Overrides = None, url: Url = None, as_json: AsJson = False) -> None:
    """Check a spec without submitting it.

    With --json it is written with every default filled in. The API is asked only where the server's packages are not
    installed.
    """
    from ganjobs.overrides import can_check

    body = checked_spec(spec, overrides or [])
    if can_check():
        level = equilibrium_of(body)
    else:
        with open_client(url) as client, refused_specs():
            answer = client.validate(body)
        body, level = answer["spec"], answer["equilibrium"]
    if as_json:
        write_json(body)
    else:
        said = f"{spec} is valid: {body['steps']:,} steps on `{body['dataset']['kind']}`"
        text.say(said, at_equilibrium(level))


def equilibrium_of(body: dict[str, Any]) -> dict[str, float | None]:
    """What the losses of a spec are where real and generated data cannot be told apart."""
    from models.catalogue import LOSSES

    facts = LOSSES[body["loss"]["kind"]]
    return {"d_loss": facts.discriminator_equilibrium, "g_loss": facts.generator_equilibrium}


def at_equilibrium(level: dict[str, float | None]) -> str:
    """The same in words."""
    values = (f"{name} {text.number(value)}" for name, value in text.levels({"equilibrium": level}).values())
    return f"at equilibrium: {', '.join(values)}"


def checked_spec(path: Path, overrides: list[str], **fields: Any) -> dict[str, Any]:
    """The spec of a file with its overrides and those ``fields`` that are given, ready for the API; ends the command
    where it is not valid."""
    from ganjobs.overrides import OverrideError, load_with_overrides
    from ganjobs.specfile import SpecFileError

    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return load_with_overrides(path, overrides, given)
    except (SpecFileError, OverrideError) as error:
        refuse(error)


@contextmanager
def refused_specs() -> Iterator[None]:
    """A spec that the API refuses ends the command as one that is refused here does."""
    try:
        yield
    except NotValid as error:
        refuse(error)
