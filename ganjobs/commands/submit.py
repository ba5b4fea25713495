"""``submit`` and ``validate``: from a spec file to a job."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ganjobs import text
from ganjobs.commands.actions import tell_new
from ganjobs.commands.options import AsJson, Follow, Url, open_client, refuse, write_json

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A spec as YAML or JSON.")]
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
    """Submit a job. The spec is checked here first, then by the API."""
    body = checked_spec(spec, overrides or [], name=name, priority=priority)
    with open_client(url) as client:
        tell_new(client, client.create(body), follow, as_json)


def validate(spec: SpecFile, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Check a spec without submitting it; with --json, write it with every default filled in."""
    body = checked_spec(spec, overrides or [])
    if as_json:
        write_json(body)
    else:
        text.say(f"{spec} is valid: {body['steps']:,} steps on `{body['dataset']['kind']}`", equilibrium(body))


def equilibrium(body: dict[str, Any]) -> str:
    """What the losses of a spec are where real and generated data cannot be told apart."""
    from models.catalogue import LOSSES

    facts = LOSSES[body["loss"]["kind"]]
    level = {"d_loss": facts.discriminator_equilibrium, "g_loss": facts.generator_equilibrium}
    values = (f"{name} {text.number(value)}" for name, value in text.levels({"equilibrium": level}).values())
    return f"at equilibrium: {', '.join(values)}"


def checked_spec(path: Path, overrides: list[str], **fields: Any) -> dict[str, Any]:
    """The spec of a file with its overrides and those ``fields`` that are given, ready for the API; ends the command
    where it is not valid."""
    from ganjobs.overrides import OverrideError, load_with_overrides
    from models.specfile import SpecFileError

    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return load_with_overrides(path, overrides, given).model_dump(mode="json")
    except (SpecFileError, OverrideError) as error:
        refuse(error)
