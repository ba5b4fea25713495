"""The reading of a finished job."""

import math

import httpx
import pytest

from ganjobs.client import Client, MetricRows
from ganjobs.verdict import CAVEAT, judge, last_rows, reading


def rows(**columns: float | None) -> MetricRows:
    """Ten rows, all alike."""
    usual = {"d_loss": 1.2, "g_loss": 0.9, "d_real": 0.55, "d_fake": 0.45, "d_grad_norm": 1.0, "g_grad_norm": 0.5}
    return MetricRows(list(range(1, 11)), {name: [value] * 10 for name, value in (usual | columns).items()}, 11)


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({}, "balanced"),
        ({"d_real": 0.9, "d_fake": 0.1}, "discriminator_ahead"),
        ({"d_real": 0.9, "d_fake": 0.1, "g_grad_norm": 9e-4}, "vanishing"),
        ({"d_real": 0.3, "d_fake": 0.6}, "fooled"),
        ({"g_loss": math.nan}, "diverged"),
        ({"d_grad_norm": math.inf, "g_grad_norm": 0.0}, "diverged"),
        ({"d_real": None, "d_fake": None}, "alive"),
    ],
)
def test_verdicts(columns: dict[str, float | None], name: str) -> None:
    verdict = judge(rows(**columns))
    assert verdict.name == name
    assert "\n" not in verdict.sentence


def test_one_bad_row_is_enough_for_divergence() -> None:
    found = rows()
    found.columns["d_loss"][3] = math.nan
    assert judge(found).name == "diverged"


def test_the_last_tenth_of_a_job_is_judged_with_a_caveat() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["from_step"])
        columns = {"step": [91], "d_real": [0.5], "d_fake": [0.5]}
        return httpx.Response(200, json={"columns": columns, "has_more": False, "next_step": 92})

    client = Client("http://api", transport=httpx.MockTransport(answer))
    found = last_rows(client, {"id": "job_1", "step": 100})
    assert reading(found) == [f"reading    {judge(found).sentence}", f"           {CAVEAT}"]
    for step in (0, 1, 4):
        last_rows(client, {"id": "job_1", "step": step})
    assert asked == ["91", "1", "1", "4"]


def test_nothing_recorded_is_not_judged() -> None:
    assert judge(MetricRows([], {}, 0)).name == "no_data"
