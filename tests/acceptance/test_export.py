"""A trained job, exported by the command to every form and read by the programs that it is for."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from support.serving import RING, Serving, environment, wait_for_end

from benchmarks.rig.peers import run_in_peers
from ganjobs.export_tensorboard import tags_of
from ganjobs.rest import Rest

STEPS = 3000
READER = Path(__file__).parents[1] / "support" / "event_file.py"


@pytest.fixture
def job(client: Rest) -> dict[str, Any]:
    """A job of so many steps that TensorBoard would read only some of them by itself."""
    created = client.create(RING | {"steps": STEPS, "sample_every": 1000, "checkpoint_every": STEPS})
    return wait_for_end(client, created["id"])


def export(serving: Serving, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ganjobs", "export", *arguments]
    variables = environment() | {"GANJOBS_URL": serving.url}
    return subprocess.run(command, capture_output=True, text=True, timeout=90, env=variables)


def exported(serving: Serving, *arguments: str) -> Path:
    done = export(serving, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return Path(done.stdout.rstrip("\n"))


def test_other_programs_read_what_was_recorded(
    serving: Serving, client: Rest, job: dict[str, Any], tmp_path: Path
) -> None:
    recorded = client.metrics(job["id"])
    names = [name for name, values in recorded.columns.items() if values[0] is not None]
    assert len(names) > 2
    columns = {name: np.array(recorded.columns[name], np.float32) for name in names}

    parquet = pq.read_table(exported(serving, job["id"], "--to", "parquet", "-o", str(tmp_path / "job.parquet")))
    csv = pyarrow.csv.read_csv(exported(serving, job["id"], "--to", "csv", "-o", str(tmp_path / "job.csv")))
    lines = exported(serving, job["id"], "--to", "ndjson", "-o", str(tmp_path)).read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert parquet.column_names == csv.column_names == list(rows[0]) == ["step", *names]
    for read in (parquet.to_pydict(), csv.to_pydict(), {name: [row[name] for row in rows] for name in rows[0]}):
        assert read["step"] == list(range(1, STEPS + 1))
        for name in names:
            np.testing.assert_array_equal(np.array(read[name], np.float32), columns[name])

    folder = str(tmp_path / "runs")
    exported(serving, job["id"], "--to", "tensorboard", "--output", folder)
    path = exported(serving, job["id"], "--to", "tensorboard", "--output", folder)  # a second time: not twice as much
    found = json.loads(run_in_peers(READER, path.parent).stdout)
    tags = tags_of(client.catalogue()["metrics"])
    assert found["scalars"].keys() == {tags[name] for name in names}
    for name in names:
        steps, values, times = zip(*found["scalars"][tags[name]], strict=True)
        assert steps == tuple(range(1, STEPS + 1))
        np.testing.assert_array_equal(np.array(values, np.float32), columns[name])
        assert list(times) == sorted(times)
    samples = [[sample["step"], sample["width"], sample["height"]] for sample in client.samples(job["id"])]
    assert found["images"] == {"samples": samples}
    assert [step for step, *_ in samples] == [0, 1000, 2000, 3000]
    assert found["tensors"] == ["spec/text_summary"]
    assert "_hparams_/session_start_info" in found["hyperparameters"]


def test_an_expected_failure_is_one_line(serving: Serving, client: Rest, tmp_path: Path) -> None:
    wrong = export(serving, "job_" + "0" * 24, "--to", "csv")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (8, "", 1)
    client.create(RING)
    (tmp_path / "file").write_text("")
    no_folder = export(serving, "latest", "--to", "csv", "--output", str(tmp_path / "file" / "job.csv"))
    assert (no_folder.returncode, no_folder.stderr.count("\n")) == (1, 1)
    far = export(serving, "latest", "--to", "csv", "--output", str(tmp_path / "not" / "there" / "job.csv"))
    assert (far.returncode, far.stderr) == (1, f"ganjobs: there is no folder {tmp_path / 'not'}\n")
    unknown = export(serving, "latest", "--to", "excel")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
