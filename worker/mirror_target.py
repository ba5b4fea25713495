"""An experiment on an MLflow server, through MLflow's own client."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar

# Read as the client is loaded. It would report what it is used for to its makers; and as everything is sent again by
# the mirror, it need not be patient itself.
os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException, RestException
from requests import RequestException

from worker.mirror_errors import ArtifactsFailed, Away, Refused
from worker.mirror_page import Point

Each = TypeVar("Each")
# What one request may hold, by MLflow's limits.
METRICS_AT_ONCE = 1000
PARAMS_AT_ONCE = 100
# As many as its client sends side by side in a moment.
FILES_AT_ONCE = 20
# Answers that mean this run, whoever asks and however often.
FINAL_CODES = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "BAD_REQUEST", "INVALID_STATE")


class Target:
    """Runs of one experiment, which is made where it is not there."""

    def __init__(self, uri: str, experiment: str) -> None:
        self._client = MlflowClient(tracking_uri=uri)
        self._experiment = experiment
        self._experiment_id: str | None = None

    def find_or_create(self, job_id: str, name: str, began_at: int, tags: Mapping[str, str]) -> str:
        """The id of a job's run: one that is there goes on, whoever made it and did not live to write that down."""
        with _told():
            experiment = self._find_experiment()
            words = f"tags.`ganjobs.job_id` = '{job_id}'"
            found = self._client.search_runs([experiment], words, max_results=1)
            if found:
                return str(found[0].info.run_id)
            made = self._client.create_run(experiment, start_time=began_at, tags=dict(tags), run_name=name)
            return str(made.info.run_id)

    def is_deleted(self, run_id: str) -> bool:
        """Whether somebody has deleted a run over there."""
        with _told():
            try:
                return bool(self._client.get_run(run_id).info.lifecycle_stage == "deleted")
            except RestException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return True
                raise

    def log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        with _told():
            for some in _parts(params.items(), PARAMS_AT_ONCE):
                self._client.log_batch(run_id, params=[Param(name, value) for name, value in some])

    def log_points(self, run_id: str, points: Sequence[Point], keep: Callable[[], None]) -> None:
        """Add points in as few requests as may be; ``keep`` is called before each."""
        with _told():
            metrics = [Metric(each.key, each.value, each.timestamp, each.step) for each in points]
            for some in _parts(metrics, METRICS_AT_ONCE):
                keep()
                self._client.log_batch(run_id, metrics=some)

    def set_tags(self, run_id: str, tags: Mapping[str, str], gone: Sequence[str] = ()) -> None:
        """Set ``tags``, and take those away that are ``gone``."""
        with _told():
            for labels in _parts(tags.items(), PARAMS_AT_ONCE):
                self._client.log_batch(run_id, tags=[RunTag(name, value) for name, value in labels])
            for name in gone:
                self._client.delete_tag(run_id, name)

    def upload(self, run_id: str, files: Mapping[str, bytes], keep: Callable[[], None]) -> None:
        """Store artifacts, some at a time; ``keep`` is called before each time. What is there under the same path is
        replaced.

        Raises:
            ArtifactsFailed: they could not be stored.
        """
        for some in _parts(files.items(), FILES_AT_ONCE):
            keep()
            self._upload(run_id, dict(some))

    def _upload(self, run_id: str, files: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="ganjobs-mirror-") as folder:
            for name, content in files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            try:
                self._client.log_artifacts(run_id, folder)
            except (MlflowException, RequestException, OSError, ImportError) as error:
                raise ArtifactsFailed(first_line(error)) from error

    def set_status(self, run_id: str, status: str, ended_at: int | None) -> None:
        """``ended_at`` (milliseconds) of one that has ended, ``None`` of one that has not."""
        with _told():
            if ended_at is None:
                self._client.update_run(run_id, status=status)
            else:
                self._client.set_terminated(run_id, status=status, end_time=ended_at)

    def _find_experiment(self) -> str:
        if self._experiment_id is None:
            known = self._client.get_experiment_by_name(self._experiment)
            if known is None:
                self._experiment_id = str(self._client.create_experiment(self._experiment))
            elif known.lifecycle_stage == "deleted":
                raise Away(f"the experiment {self._experiment!r} is deleted: restore it, or name another")
            else:
                self._experiment_id = str(known.experiment_id)
        return self._experiment_id


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong in the block, as ``Away`` or ``Refused``."""
    try:
        yield
    except RestException as error:
        raise (Refused if error.error_code in FINAL_CODES else Away)(first_line(error)) from error
    except (MlflowException, RequestException, OSError) as error:
        raise Away(first_line(error)) from error


def _parts(things: Iterable[Each], most: int) -> Iterator[list[Each]]:
    """``things`` in order, at most so many at once."""
    rest = iter(things)
    while some := list(islice(rest, most)):
        yield some


def first_line(error: Exception) -> str:
    """The first line of what an error says, without the rest of a server's page."""
    return (str(error).splitlines() or [type(error).__name__])[0][:500]
