"""A job killed again and again has, in the end, the numbers of one that nobody killed: to the last bit."""

import itertools
import random
from typing import Any

import pytest
from support.progress import queue_job
from support.runs import QUICK, Died, crash_after, die_at, read, rows_of, run

from models.catalogue import LOSSES
from models.database import Database
from models.settings import Settings

KILLS = 20
STEPS = 60
PLAYERS: dict[str, dict[str, Any]] = {
    "mlp": {"kind": "mlp", "hidden_sizes": [8]},
    "dcgan": {"kind": "dcgan", "base_channels": 4},
}
KINDS = [
    {
        "dataset": {"kind": "digits"},
        "generator": PLAYERS[made],
        "discriminator": PLAYERS[judged],
        "loss": {"kind": loss},
    }
    for made, judged, loss in itertools.product(PLAYERS, PLAYERS, LOSSES)
]
MORE = {"ema_decay": 0.9, "discriminator_steps": 2, "fake_batch": "reused"}


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return settings.model_copy(update=QUICK)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("number", "kind"), list(enumerate([*KINDS, KINDS[-1] | MORE, {"dataset": {"kind": "ring"}} | MORE]))
)
def test_twenty_deaths_change_no_bit(
    quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, number: int, kind: dict[str, Any]
) -> None:
    spec = kind | {"steps": STEPS, "checkpoint_every": 4, "sample_every": STEPS, "batch_size": 8}
    undisturbed = read(database, queue_job(database, **spec))
    run(quick)
    job_id = queue_job(database, **spec)
    for step in sorted(random.Random(number).sample(range(1, STEPS), KILLS)):
        with monkeypatch.context() as patched:
            die_at(patched, step)
            with pytest.raises(Died):
                run(quick)
        crash_after(read(database, job_id), database)
    assert run(quick) == job_id
    job = read(database, job_id)
    assert (job.status, job.attempt) == ("succeeded", KILLS + 1)
    assert rows_of(database, job) == rows_of(database, undisturbed)
    assert [step for step, _ in rows_of(database, job)] == list(range(1, STEPS + 1))
