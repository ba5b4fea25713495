"""What the service is made of: workers, kinds, and the schema of a spec."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api import examples
from api.dependencies import ReadSession, ServicesHeld
from api.documentation import answers
from api.records import WorkerView
from api.schemas import Page
from api.strict import StrictRoute
from models import catalogue, workers
from models.spec import JobSpec
from models.verdicts import VERDICTS

router = APIRouter(prefix="/v1", tags=["service"], route_class=StrictRoute)

CATALOGUE: dict[str, Any] = {
    "object": "catalogue",
    "losses": {kind: asdict(facts) for kind, facts in catalogue.LOSSES.items()},
    "datasets": {
        kind: asdict(facts) | {"is_image": kind in catalogue.LABELLED_IMAGES, "shape": facts.shape and [*facts.shape]}
        for kind, facts in catalogue.DATASETS.items()
    },
    "metrics": [asdict(facts) | {"always_shown": facts in catalogue.METRICS} for facts in catalogue.ALL_METRICS],
    "evaluations": [asdict(facts) for facts in catalogue.EVALUATIONS.values()],
    "verdicts": {verdict.value: asdict(facts) for verdict, facts in VERDICTS.items()},
}
SPEC_SCHEMA = JobSpec.model_json_schema()


@router.get(
    "/workers",
    operation_id="list_workers",
    summary="List workers",
    response_description="The workers that are up, oldest first",
    responses=answers(examples.WORKERS),
)
def list_workers(session: ReadSession, held: ServicesHeld) -> Page[WorkerView]:
    """List the workers that have given a sign of life lately, all of them, with the jobs they train."""
    live = workers.list_live(session, held.settings.heartbeat_seconds)
    jobs = workers.jobs_held(session, [worker.id for worker in live])
    return Page(data=[WorkerView.of(worker, jobs[worker.id]) for worker in live], has_more=False)


@router.get(
    "/catalogue",
    operation_id="get_catalogue",
    summary="Read what a spec can name",
    response_description="Losses, data sets, metrics, evaluations and verdicts on health, with what is known of each",
    responses=answers(CATALOGUE),
)
def get_catalogue() -> dict[str, Any]:
    """Read the kinds of loss and data set that a spec can name, the metrics recorded at every step, the numbers of
    evaluations, and the verdicts on a job's health. The `shape` of a data set is null where the spec says it."""
    return CATALOGUE


@router.get(
    "/spec/schema",
    operation_id="get_spec_schema",
    summary="Read the JSON Schema of a spec",
    response_class=JSONResponse,
    response_description="JSON Schema (2020-12)",
    responses=answers(SPEC_SCHEMA),
)
def get_spec_schema() -> dict[str, Any]:
    """Read the schema of the body that creates a job, with bounds, units and defaults."""
    return SPEC_SCHEMA
