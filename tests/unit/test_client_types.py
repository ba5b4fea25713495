"""The client's own words and fields are the server's: it has none of the server's packages to take them from."""

from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import api.health_views
import api.records
import api.schemas
import ganjobs.jobinfo
import ganjobs.messages
import ganjobs.results
import models.verdicts
from api.stream.documentation import KINDS
from ganjobs import types
from ganjobs.environment import Address
from models import status
from models.settings import Settings

PAIRS: list[tuple[type[BaseModel], type[BaseModel]]] = [
    (ganjobs.jobinfo.JobInfo, api.schemas.JobView),
    (ganjobs.jobinfo.Equilibrium, api.schemas.Equilibrium),
    (ganjobs.jobinfo.JobError, api.schemas.JobError),
    (ganjobs.jobinfo.Origin, api.schemas.Origin),
    (ganjobs.jobinfo.EvaluationValues, api.schemas.LatestEvaluation),
    (ganjobs.results.Evidence, models.verdicts.Evidence),
    (ganjobs.results.Advice, models.verdicts.Advice),
    (ganjobs.results.HealthReport, api.health_views.HealthView),
    (ganjobs.results.HealthInterval, api.health_views.IntervalView),
    (ganjobs.results.Evaluation, api.records.EvaluationView),
    (ganjobs.results.Event, api.records.EventView),
    (ganjobs.results.LogLine, api.records.LogLineView),
    (ganjobs.results.File, api.records.FileView),
    (ganjobs.results.Best, api.records.BestView),
    (ganjobs.results.Checkpoint, api.records.CheckpointView),
    (ganjobs.results.Worker, api.records.WorkerView),
    (ganjobs.results.MetricFacts, api.schemas.MetricView),
    (ganjobs.results.SampleInfo, api.records.SampleView),
    (ganjobs.results.Check, api.records.Check),
    (ganjobs.results.Readiness, api.records.Readiness),
]
# What the client knows by itself, or says in another way.
OWN = {"object", "job_id"}


def test_statuses_are_the_servers() -> None:
    assert list(types.JobStatus) == list(status.JobStatus)
    assert frozenset(types.FINAL) == frozenset(status.FINAL)
    for one in types.JobStatus:
        assert one.is_final is status.JobStatus(one).is_final
        assert one.is_resting is (one.is_final or one == "paused")


def test_verdicts_and_severities_are_the_servers() -> None:
    assert list(types.Verdict) == list(models.verdicts.Verdict)
    assert list(types.Severity) == list(get_args(models.verdicts.Severity))


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[ours.__name__ for ours, _ in PAIRS])
def test_fields_are_the_servers(ours: type[BaseModel], theirs: type[BaseModel]) -> None:
    assert set(ours.model_fields) - OWN == set(theirs.model_fields) - OWN
    served = theirs.model_json_schema(mode="serialization")["properties"]
    for name in set(ours.model_fields) - OWN:
        assert accepts_null(ours, name) >= is_nullable(served[name]), f"{name} may be null"


def accepts_null(model: type[BaseModel], name: str) -> bool:
    return is_nullable(model.model_json_schema()["properties"][name])


def is_nullable(schema: dict[str, Any]) -> bool:
    return any(one.get("type") == "null" for one in schema.get("anyOf", [schema]))


def test_every_kind_of_message_is_known() -> None:
    assert tuple(sorted(ganjobs.messages.MAKERS)) == tuple(sorted(KINDS))


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"GANJOBS_HOST": "::"},
        {"GANJOBS_HOST": "0.0.0.0", "GANJOBS_PORT": "81"},
        {"GANJOBS_DATA_FOLDER": "~/elsewhere", "GANJOBS_HOST": "fe80::1"},
    ],
)
def test_the_service_is_looked_for_where_its_settings_put_it(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HOST", "PORT", "DATA_FOLDER", "URL"):
        monkeypatch.delenv(f"GANJOBS_{name}", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ours, theirs = Address(), Settings()
    assert (ours.local_url, ours.resolved_data_folder) == (theirs.local_url, theirs.resolved_data_folder)
