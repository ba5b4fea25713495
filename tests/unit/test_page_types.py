"""The page's own types of what the API answers with name nothing that the API does not."""

import re
from pathlib import Path
from typing import Any

import pytest

from api.main import create_app
from models.settings import Settings

TYPES = Path(__file__).parents[2] / "api" / "dashboard" / "src" / "api" / "types.ts"
INTERFACE = re.compile(r"^(?:export )?interface (\w+)(?:<\w+>)?(?: extends (\w+)(?:<\w+>)?)? \{\n(.*?)^\}", re.M | re.S)
FIELD = re.compile(r"^  (\w+)\??:", re.M)
SCHEMAS = {
    "Job": "JobView",
    "JobSummary": "JobSummaryView",
    "SummaryPage": "SummaryPage",
    "Equilibrium": "Equilibrium",
    "Origin": "Origin",
    "Evaluation": "EvaluationView",
    "MetricBuckets": "MetricBuckets",
    "MetricSummaries": "MetricSummaries",
    "Sample": "SampleView",
    "SampleSteps": "SampleSteps",
    "Evidence": "Evidence",
    "Advice": "Advice",
    "Health": "HealthView",
    "HealthInterval": "IntervalView",
    "Segment": "SegmentView",
    "JobEvent": "EventView",
    "LogLine": "LogLineView",
    "Checkpoint": "CheckpointView",
    "Worker": "WorkerView",
    "Device": "DeviceView",
    "Problem": "Problem",
    "ProblemField": "ProblemField",
}


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = create_app(Settings(data_folder=tmp_path_factory.mktemp("data"))).openapi()
    return found["components"]["schemas"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def fields() -> dict[str, set[str]]:
    """The fields of each interface, those that it extends included."""
    own: dict[str, set[str]] = {}
    for name, parent, body in INTERFACE.findall(TYPES.read_text()):
        own[name] = set(FIELD.findall(body)) | own.get(parent, set())
    return own


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_the_page_reads_is_there(name: str, fields: dict[str, set[str]], schemas: dict[str, Any]) -> None:
    assert fields[name] != set()
    assert fields[name] - set(schemas[SCHEMAS[name]]["properties"]) == set()


def test_what_the_catalogue_holds(fields: dict[str, set[str]]) -> None:
    from api.routes.service import CATALOGUE

    assert fields["Catalogue"] == set(CATALOGUE) - {"object"}
    assert fields["LossFacts"] <= set(CATALOGUE["losses"]["hinge"])
    assert fields["MetricFacts"] <= set(CATALOGUE["metrics"][0])
