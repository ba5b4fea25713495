"""``ganjobs compare``: what differs, what came of it, and what was best."""

import io
import json
import re
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from api.routes.service import CATALOGUE
from ganjobs import cli
from ganjobs.commands import compare as command
from ganjobs.comparing import collect, differing, evaluations, flat
from ganjobs.watch_client import WatchClient

EQUILIBRIUM = {"d_loss": 1.3862943611, "g_loss": 0.6931471806, "total_loss": 2.0794415417}
SPEC = {"dataset": {"kind": "ring"}, "steps": 400, "generator": {"kind": "mlp", "hidden_sizes": [8, 8]}}
SECOND = {"dataset": {"kind": "ring"}, "steps": 400, "generator": {"kind": "mlp", "latent_dim": 3, "hidden_sizes": [9]}}
VALUES = (
    {"modes_covered": 7, "reverse_kl": 0.5, "jensen_shannon_bias": 0.01, "jensen_shannon_divergence": "NaN"},
    {"modes_covered": 8, "reverse_kl": 0.25, "jensen_shannon_bias": 0.02, "jensen_shannon_divergence": 0.1},
    {},
)


def name_of(number: int) -> str:
    return f"job_{number:010x}{'0' * 14}"


def job(number: int) -> dict[str, Any]:
    spec = SECOND if number == 1 else SPEC
    return {
        "id": name_of(number),
        "name": "[b]odd[/]",
        "status": "succeeded",
        "step": 400 if number < 2 else 0,
        "steps": 400,
        "start_step": 0,
        "steps_per_second": None,
        "training_seconds": 8.0 if number < 2 else 0.0,
        "verdict": "mode_collapse" if number == 1 else None,
        "severity": "alarm" if number == 1 else None,
        "equilibrium": EQUILIBRIUM,
        "latest_evaluation": {"step": 400, "values": VALUES[number]} if VALUES[number] else None,
        "spec": spec,
    }


def answer(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path == "/v1/catalogue":
        return httpx.Response(200, json=CATALOGUE)
    if path == "/v1/curves":
        asked = request.url.params.get_list("job")
        curve = {"d_loss": {"mean": [1.0, 2.0, None, 3.0]}, "g_loss": None}
        data = [{"job_id": each, "columns": curve} for each in asked if each != name_of(2)]
        return httpx.Response(200, json={"data": data, "has_more": False})
    number = int(path.split("/")[3].removeprefix("job_")[:10], 16)
    if path.endswith("/metrics"):
        assert request.url.params["from_step"] == "301"
        columns = {"step": [399, 400], "d_loss": [1.0, 1.5], "g_loss": ["NaN", 0.5]}
        return httpx.Response(200, json={"columns": columns, "has_more": False, "next_step": 401})
    return httpx.Response(200, json=job(number))


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> WatchClient:
    made = WatchClient("http://api", transport=httpx.MockTransport(answer))
    monkeypatch.setattr(command, "open_client", lambda _: made)
    return made


def test_fields_are_held_against_each_other_by_their_dotted_paths(client: WatchClient) -> None:
    compared = collect(client, [name_of(0), name_of(1)])
    assert differing(compared) == {"generator.hidden_sizes": [[8, 8], [9]], "generator.latent_dim": ["-", 3]}
    assert differing(compared, everything=True)["dataset.kind"] == ["ring", "ring"]
    assert differing(collect(client, [name_of(0), name_of(2)])) == {}
    assert flat({"a": {}, "b": {"c": None}}) == [("a", {}), ("b.c", None)]


def test_the_best_number_is_the_better_one_by_the_catalogue(client: WatchClient) -> None:
    best = {
        name: index
        for name, (_, index) in evaluations(collect(client, [name_of(0), name_of(1), name_of(2)]), CATALOGUE).items()
    }
    assert best == {
        "modes_covered": 1,  # the higher one
        "reverse_kl": 1,  # the lower one
        "jensen_shannon_bias": None,  # neither way is better
        "jensen_shannon_divergence": None,  # there is nothing to hold it against
    }


def test_a_table_has_a_column_for_each_job(client: WatchClient) -> None:
    out = io.StringIO()
    compared = collect(client, [name_of(0), name_of(1), name_of(2)])
    Console(file=out, width=140, no_color=True).print(command.table_of(compared, False, CATALOGUE))
    written = out.getvalue()
    for line in (
        "job_0000000000 +job_0000000001 +job_0000000002",
        r"name +(\[b\]odd\[/\] +){3}",
        "verdict +- +mode_collapse +-",
        "speed +50 steps/s +50 steps/s +-",
        "training time +8 s +8 s +0 s",
        r"D loss, last 100 \(at equilibrium\) +1\.25 \(1\.386\) +1\.25 \(1\.386\) +- \(1\.386\)",
        r"G loss, last 100 \(at equilibrium\) +0\.5 \(0\.6931\)",
        "D loss, curve +▁▅ █ +▁▅ █ +-",
        "G loss, curve +- +- +-",
        "modes_covered +7 +8 best +-",
        "reverse_kl +0.5 +0.25 best +-",
        r"generator\.latent_dim +- +3 +-",
    ):
        assert re.search(line, written), (line, written)
    assert "dataset.kind" not in written


def test_programs_are_told_the_same() -> None:
    done = CliRunner().invoke(cli.app, ["compare", name_of(0), name_of(1), "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)
    assert [each["id"] for each in told["jobs"]] == [name_of(0), name_of(1)]
    assert told["jobs"][0]["mean_losses"] == {"d_loss": 1.25, "g_loss": 0.5}
    assert told["jobs"][0]["curves"] == {"d_loss": [1.0, 2.0, None, 3.0], "g_loss": []}
    assert told["spec"]["generator.latent_dim"] == ["-", 3]
    assert told["best"]["modes_covered"] == name_of(1)


def test_a_job_is_not_compared_with_itself() -> None:
    done = CliRunner().invoke(cli.app, ["compare", name_of(0), name_of(0)])
    assert done.exit_code == 2
    assert "itself" in done.output
