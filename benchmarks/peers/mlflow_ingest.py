"""Metrics into MLflow's SQLite store by ``log_batch``: a call for every 1,000 points, which is the most it takes."""

import json
import sys
import time
from pathlib import Path

import numpy as np
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

POINTS_IN_A_CALL = 1000


def main(folder: str, steps: int, metrics: int) -> None:
    store = Path(folder) / "mlflow.sqlite3"
    client = MlflowClient(f"sqlite:///{store}")
    run_id = client.create_run(client.create_experiment("ingest")).info.run_id
    before = _size(store)
    values = np.random.default_rng(1).normal(size=(steps, metrics)).tolist()
    points = [Metric(f"m{i}", value, 0, step) for step, row in enumerate(values, 1) for i, value in enumerate(row)]
    begun = time.perf_counter()
    for first in range(0, len(points), POINTS_IN_A_CALL):
        client.log_batch(run_id, metrics=points[first : first + POINTS_IN_A_CALL])
    seconds = time.perf_counter() - begun
    assert len(client.get_metric_history(run_id, "m0")) == steps
    print(json.dumps({"seconds": seconds, "points": len(points), "bytes": _size(store) - before}))


def _size(store: Path) -> int:
    return sum(path.stat().st_size for path in store.parent.glob(f"{store.name}*"))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
