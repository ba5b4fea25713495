"""A job killed again and again has, in the end, the numbers of one that nobody killed: to the last bit."""

import random
from typing import Any

import pytest
from support.progress import queue_job
from support.runs import Died, crash_after, die_at, read, run

from models import evaluations, metrics, samples
from models.database import Database
from models.settings import Settings
from models.spec import JobSpec
from models.tables import Job

STEPS = 60
KILLS = 6
# Of the first four kinds, which keep most of what others do.
MANY_KILLS = 20
MLP: dict[str, Any] = {"kind": "mlp", "hidden_sizes": [8]}
DCGAN: dict[str, Any] = {"kind": "dcgan", "base_channels": 4}
RESNET: dict[str, Any] = {"kind": "resnet", "base_channels": 4, "spectral_norm": True}
R3GAN: dict[str, Any] = {"kind": "r3gan", "base_channels": 8, "group_channels": 4}
MORE = {"ema_decay": 0.9, "discriminator_steps": 2, "fake_batch": "reused"}
# Between them they have every loss, network, optimiser and whatever else keeps something from step to step.
KINDS: dict[str, dict[str, Any]] = {
    "mlp": {},
    "dcgan": {"generator": DCGAN, "discriminator": DCGAN, "loss": {"kind": "saturating"}},
    "dcgan against mlp": {"generator": DCGAN, **MORE},
    "ring": {"dataset": {"kind": "ring"}, **MORE},
    "packed, the best kept": {
        "dataset": {"kind": "grid"},
        "pack": 4,
        "evaluate_every": 7,
        "best_metric": "reverse_kl",
    },
    "acgan": {"loss": {"kind": "least_squares"}, "conditional": {"kind": "acgan"}, "discriminator": DCGAN},
    "projection": {"conditional": {"kind": "projection"}, "generator": RESNET, "discriminator": RESNET},
    "adaptive augmentation": {
        "loss": {"kind": "hinge"},
        "augmentation": {"kind": "diffaugment", "adaptive": {"interval": 2, "ramp_examples": 500}},
    },
    "clipped": {
        "loss": {"kind": "wasserstein"},
        "discriminator": MLP | {"optimizer": {"kind": "rmsprop", "schedule": {"kind": "linear"}}},
        "generator": MLP | {"optimizer": {"kind": "sgd", "momentum": 0.5, "schedule": {"kind": "exponential"}}},
    },
    "gradient penalty": {
        "loss": {"kind": "wasserstein_gp"},
        "discriminator": MLP | {"normalization": "layer", "optimizer": {"kind": "adamw"}},
    },
    "r3gan": {
        "loss": {"kind": "relativistic"},
        "generator": R3GAN,
        "discriminator": R3GAN,
        "regularizers": [{"kind": "r1", "interval": 3}, {"kind": "r2", "schedule": {"kind": "cosine"}}],
    },
    "pretrained and frozen": {"discriminator": MLP | {"pretrain_after": 15, "pretrain_steps": 25, "frozen": True}},
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", KINDS)
def test_deaths_change_no_bit(quick: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    base = {"dataset": {"kind": "digits"}, "generator": MLP, "discriminator": MLP, "batch_size": 8}
    spec = base | KINDS[name] | {"steps": STEPS, "checkpoint_every": 4, "sample_every": STEPS}
    undisturbed = read(database, queue_job(database, **spec))
    run(quick)
    job_id = queue_job(database, **spec)
    kills = MANY_KILLS if name in list(KINDS)[:4] else KILLS
    for step in sorted(random.Random(name).sample(range(1, STEPS), kills)):
        with monkeypatch.context() as patched:
            die_at(patched, step)
            with pytest.raises(Died):
                run(quick)
        crash_after(read(database, job_id), database)
    assert run(quick) == job_id
    job = read(database, job_id)
    assert (job.status, job.attempt) == ("succeeded", kills + 1)
    found = recorded(database, job)
    assert found == recorded(database, undisturbed)
    assert bool(found["evaluations"]) == ("evaluate_every" in KINDS[name])


def recorded(database: Database, job: Job) -> dict[str, Any]:
    """All numbers of a job: its rows, to the bit, its evaluations, and what its checkpoints were the best by."""
    with database.read() as session:
        job = session.get_one(Job, job.number)
        names = JobSpec.model_validate(job.spec).metric_names
        rows = metrics.read_rows(session, job, names, limit=2 * STEPS)
        assert rows.steps.tolist() == list(range(1, STEPS + 1))
        assert job.metric_names == list(names)
        kept = samples.list_checkpoints(session, job.number, job.segment)
        return {
            "rows": rows.values.tobytes(),
            "evaluations": [(each.step, each.values) for each in evaluations.list_evaluations(session, job)],
            "latest": job.latest_evaluation,
            "checkpoints": [(each.step, each.best_metric, each.best_value) for each in kept],
        }
