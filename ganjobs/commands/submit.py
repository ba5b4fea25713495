"""``submit`` and ``validate``: from a spec file to a job."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ganjobs import exitcodes, text
from ganjobs.commands.options import AsJson, Url, open_client, write_json

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A spec as YAML or JSON.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Override a field, as in `generator.latent_dim=32`; repeatable."),
]


def submit(
    spec: SpecFile,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Watch the job until it ends.")] = False,
    name: Annotated[str | None, typer.Option("--name", help="Name the job; overrides the spec's name.")] = None,
    overrides: Overrides = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job. The spec is checked here first, then by the API."""
    body = checked_spec(spec, overrides or [], name)
    with open_client(url) as client:
        job = client.create(body)
        if as_json:
            write_json(job)
        else:
            label = f" ({job['name']})" if job["name"] else ""
            text.say(f"submitted {job['id']}{label}")
        if follow:
            from ganjobs.commands.watch import watch_to_the_end

            watch_to_the_end(client, job["id"])


def validate(spec: SpecFile, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Check a spec without submitting it; with --json, write it with every default filled in."""
    body = checked_spec(spec, overrides or [], None)
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


def checked_spec(path: Path, overrides: list[str], name: str | None) -> dict[str, Any]:
    """The spec of a file with its overrides, ready for the API; ends the command where it is not valid."""
    from ganjobs.overrides import OverrideError, load_with_overrides
    from models.specfile import SpecFileError

    try:
        spec = load_with_overrides(path, overrides, {} if name is None else {"name": name})
    except (SpecFileError, OverrideError) as error:
        text.say(f"ganjobs: {error}", console=text.make_console(stderr=True))
        raise typer.Exit(exitcodes.USAGE) from error
    return spec.model_dump(mode="json")
