"""Logs, events and files of a job, as a user reads them."""

import hashlib
import io
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from rich.table import Table

from ganjobs import text
from ganjobs.commands.files import checkpoints_table, samples_table
from ganjobs.commands.records import event_line, log_line
from ganjobs.downloads import save_generator
from ganjobs.rest import Rest

WHEN = "2026-11-20T12:00:01.250000Z"
CLOCK = r"2026-11-\d\d \d\d:\d\d:\d\d"
GENERATOR = {"name": "generator.safetensors", "size": 1_500_000, "sha256": "0", "url": "/files/generator"}
STATE = {"name": "state.pt", "size": 900, "sha256": "0", "url": "/files/state"}


def drawn(table: Table) -> str:
    out = io.StringIO()
    Console(file=out, width=120, no_color=True).print(table)
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.30000000000000004, "0.3"),
        (1234567.891, "1234570.0"),
        (1.23456789e-9, "1.23457e-09"),
        ("NaN", "NaN"),
        ("two words", "two words"),
        (7, "7"),
        (None, "null"),
        ({"torch": "2.13.0", "lr": [1 / 3, True]}, '{"torch":"2.13.0","lr":[0.333333,true]}'),
    ],
)
def test_logged_values(value: Any, written: str) -> None:
    assert text.compact(value) == written


def test_a_log_line_has_a_date_and_compact_data() -> None:
    entry = {"created_at": WHEN, "level": "info", "message": "progress", "data": {"step": 3, "d": {"a": 1 / 3}}}
    assert re.fullmatch(CLOCK + r' info    progress step=3 d=\{"a":0\.333333\}', log_line(entry))
    assert re.fullmatch(CLOCK + " info    progress", log_line(entry | {"data": {}}))


def test_an_event_says_where_the_job_stood() -> None:
    event = {"created_at": WHEN, "kind": "job.running", "message": "claimed", "data": {"attempt": 2, "step": 0}}
    assert re.fullmatch(CLOCK + r" job\.running +claimed \(attempt 2, step 0\)", event_line(event))
    assert event_line(event | {"data": {"step": 5}}).endswith("claimed (step 5)")
    assert event_line(event | {"data": {}}).endswith("claimed")


def test_samples_and_checkpoints_are_listed_with_their_sizes() -> None:
    sample = {"step": 2000, "width": 84, "height": 42, "size": 2345, "created_at": WHEN}
    assert re.search(r"2,000 +84 x 42 +2\.3 kB ", drawn(samples_table([sample])))
    checkpoint = {"step": 500, "attempt": 1, "created_at": WHEN, "best": None, "files": [GENERATOR, STATE]}
    table = drawn(checkpoints_table([checkpoint]))
    assert re.search(r"500 +1 +\S+ \S+ +generator\.safetensors +1\.5 MB +\n +state\.pt +900 bytes", table)


def test_the_best_checkpoint_says_by_what() -> None:
    checkpoint = {"step": 500, "attempt": 1, "created_at": WHEN, "files": [GENERATOR, STATE]}
    best = {"metric": "reverse_kl", "value": 0.012345}
    first, second, *_ = drawn(checkpoints_table([checkpoint | {"best": best}])).splitlines()[1:]
    assert re.search(r"1\.5 MB +reverse_kl 0\.01235$", first)
    assert "reverse_kl" not in second


def test_an_evaluation_is_one_line() -> None:
    values = {"modes_covered": 8.0, "high_quality_share": 0.91234567, "reverse_kl": "NaN"}
    said = text.evaluation({"step": 12000, "values": values})
    assert said == "step 12,000: modes_covered 8, high_quality_share 0.9123, reverse_kl NaN"
    assert text.evaluation({"step": 5, "values": {}}) == "step 5: nothing could be computed"
    assert text.evaluation(None) is None


@pytest.mark.parametrize(("best", "step"), [(False, 30), (True, 20)])
def test_the_newest_or_the_best_generator_is_saved(tmp_path: Path, best: bool, step: int) -> None:
    files = [STATE, GENERATOR | {"sha256": hashlib.sha256(b"/files/generator").hexdigest()}]
    newest = (
        {"step": 60, "best": None, "files": [STATE]},
        {"step": 30, "best": None, "files": files},
        {"step": 20, "best": {"metric": "reverse_kl", "value": 0.1}, "files": files},
    )

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/checkpoints"):
            return httpx.Response(200, json={"data": newest, "has_more": False})
        return httpx.Response(200, content=request.url.path.encode())

    client = Rest("http://api", transport=httpx.MockTransport(answer))
    path = save_generator(client, "job_1", tmp_path / "new", best)
    assert path == tmp_path / "new" / f"job_1-step-{step:08}.safetensors"
    assert path.read_bytes() == b"/files/generator"
    assert list(path.parent.iterdir()) == [path]
