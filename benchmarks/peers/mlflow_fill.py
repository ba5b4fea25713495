"""An MLflow SQLite store with a run of one metric for each length asked for.

Written straight into its table, which takes seconds where ``log_batch`` would take minutes; what is read afterwards
is the same.
"""

import json
import sqlite3
import sys
from pathlib import Path

import numpy as np
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

COLUMNS = ("key", "value", "timestamp", "step", "is_nan", "run_uuid")


def main(store: str, lengths: list[int]) -> None:
    client = MlflowClient(f"sqlite:///{store}")
    experiment = client.create_experiment("read")
    runs = {}
    for length in lengths:
        runs[length] = client.create_run(experiment).info.run_id
        # The newest one as MLflow itself writes it, for it keeps that in another table too.
        client.log_batch(runs[length], metrics=[Metric("d_loss", 1.0, length, length)])
        _fill(Path(store), runs[length], length)
    print(json.dumps(runs))


def _fill(store: Path, run_id: str, length: int) -> None:
    values = np.random.default_rng(length).normal(size=length - 1).tolist()
    rows = (("d_loss", value, step, step, False, run_id) for step, value in enumerate(values, 1))
    connection = sqlite3.connect(store)
    with connection:
        names, places = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO metrics ({names}) VALUES ({places})", rows)
    connection.close()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
