"""The dashboard and the alerts in docker/ ask for what a service that has done work really says."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from support.databases import SqliteDatabases
from support.progress import queue_job
from support.runs import LONG, cancel, run, when_it_has_steps
from support.scrape import samples, value, values

from models import workers
from models.database import Database
from models.settings import Settings
from models.tables import Worker
from worker.devices import Devices

DOCKER = Path(__file__).parents[2] / "docker"
DASHBOARD = json.loads((DOCKER / "grafana/ganjobs.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((DOCKER / "prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in RULES]
# What Prometheus itself says of what it scrapes, and the labels that it adds.
OF_PROMETHEUS = {"up": {"job", "instance"}}
ADDED_LABELS = {"job", "instance"}
IN_BRACES = re.compile(r"{{\s*(?:\$labels\.)?(\w+)\s*}}")
AGGREGATED = re.compile(r"\bby \(([^)]*)\)")


@pytest.fixture
def database_url(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    with sqlite_databases.fresh() as url:
        yield url


@pytest.fixture
def series(
    client: httpx.Client, database: Database, quick: Settings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, set[str]]:
    """The labels of each metric that is scraped while a job trains and after it."""
    monkeypatch.setattr("api.monitoring.KEPT_SECONDS", 0.0)
    devices = Devices("cpu")
    devices.read()
    with database.write() as session:
        worker = Worker(id="worker-1", hostname="host", pid=1, slots=1, status="ready", versions={})
        worker.devices = devices.read()
        workers.announce(session, worker)
    value(client, "ganjobs_queue_length")  # what is counted is counted from here on
    job_id = queue_job(database, **LONG)
    seen: dict[str, set[str]] = defaultdict(set)

    def look_and_cancel() -> None:
        while not values(client, "ganjobs_worker_recorder_lag_seconds"):
            pass
        for sample in samples(client):
            seen[sample.name] |= sample.labels.keys()
        cancel(database, job_id)

    watcher = when_it_has_steps(database, job_id, look_and_cancel)
    assert run(quick) == job_id
    watcher.join()
    assert value(client, "ganjobs_queue_wait_seconds_count") == 1
    return seen


def variables_filled(expression: str) -> str:
    return expression.replace("$__rate_interval", "1m").replace("$hostname", ".*")


def selectors(expression: str) -> list[Any]:
    """The selectors of series in an expression.

    Raises:
        ValueError: it is none.
    """
    found: list[Any] = []

    def note(part: Any) -> None:
        if isinstance(part, promql_parser.MatrixSelector):
            found.append(part.vector_selector)
        elif isinstance(part, promql_parser.VectorSelector):
            found.append(part)

    promql_parser.walk(promql_parser.parse(variables_filled(expression)), note)
    assert found, expression
    return found


def test_every_series_that_is_asked_for_is_there(series: dict[str, set[str]]) -> None:
    known = series | OF_PROMETHEUS
    asked = set()
    for expression in EXPRESSIONS:
        of_all: set[str] = set()
        for selector in selectors(expression):
            assert selector.name in known, expression
            there = known[selector.name] | ADDED_LABELS
            assert {matcher.name for matcher in selector.matchers.matchers} <= there, expression
            asked.add(selector.name)
            of_all |= there
        grouped = {label.strip() for labels in AGGREGATED.findall(expression) for label in labels.split(",")}
        assert grouped <= of_all, expression
    # And nothing is scraped that no panel shows.
    shown = {re.sub(r"_(bucket|count|sum)$", "", name) for name in asked}
    told = {re.sub(r"_(bucket|count|sum)$", "", name) for name in series if name.startswith("ganjobs_")}
    assert told <= shown


def test_what_is_no_expression_would_be_noticed() -> None:
    with pytest.raises(ValueError, match="parenthesis"):
        selectors("sum(ganjobs_jobs")


def test_the_dashboard_can_be_imported() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids)) > 20
    assert DASHBOARD["id"] is None  # Grafana gives one
    (source, *others) = DASHBOARD["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    wanted = {"type": "prometheus", "uid": "${datasource}"}
    assert all(each["datasource"] == wanted for each in others)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"]
        assert all(each["datasource"] == wanted for each in (panel, *panel["targets"]))
        at = panel["gridPos"]
        cells = {(at["x"] + across, at["y"] + down) for across in range(at["w"]) for down in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_legends_and_summaries_name_labels_that_their_expressions_keep() -> None:
    pairs = [(target["expr"], target["legendFormat"]) for panel in PANELS for target in panel["targets"]]
    pairs += [(rule["expr"], " ".join(rule["annotations"].values())) for rule in RULES]
    for expression, text in pairs:
        grouped = {label.strip() for labels in AGGREGATED.findall(expression) for label in labels.split(",")}
        assert set(IN_BRACES.findall(text)) <= grouped | ADDED_LABELS, (expression, text)


def test_alerts_say_what_is_wrong() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names)) > 8
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[mh]", rule["for"])
