"""``ganjobs demo`` from end to end."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import safetensors.numpy
import yaml
from support.serving import RING, environment, free_port, processes_of, wait_until

from ganjobs.reading import CAVEAT


def test_the_demonstration_shows_losses_beside_equilibrium_and_leaves_a_picture(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump(RING))
    command = [sys.executable, "-m", "ganjobs", "demo", "--spec", str(spec)]
    # Its stack is its own, whatever service the user works with otherwise.
    elsewhere = environment() | {"GANJOBS_URL": f"http://127.0.0.1:{free_port()}"}
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=elsewhere, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    words = {line.split()[0]: line.split() for line in result.stdout.splitlines() if line.strip()}
    assert words["D(x)"][-1] == words["D(G(z))"][-1] == "0.5"
    tables = [line.split() for line in result.stdout.splitlines() if line.startswith(("D loss", "G loss"))]
    assert [row[-1] for row in tables] == ["1.386", "0.6931"]
    assert all(0 < float(row[2]) < 10 for row in tables)
    picture = tmp_path / words["samples"][1]
    assert picture.name.endswith("-step-00000060.png")
    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert safetensors.numpy.load_file(tmp_path / words["generator"][1])["layers.0.weight"].shape == (16, 2)
    assert any(line.startswith("health     ") for line in result.stdout.splitlines())
    assert CAVEAT in result.stdout
    assert processes_of(tmp_path / "data" / "demo") == {}


def test_a_job_that_cannot_be_trained_is_no_success(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump(RING | {"steps": 0}))
    command = [sys.executable, "-m", "ganjobs", "demo", "--spec", str(spec), "--data-folder", str(tmp_path / "data")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment())
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert not (tmp_path / "data").exists()


def test_its_page_is_served_until_somebody_asks_to_stop(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(yaml.safe_dump(RING))
    command = [sys.executable, "-m", "ganjobs", "demo", "--keep-serving", "--spec", str(spec)]
    said = tmp_path / "said"
    with said.open("w") as out:
        demo = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment(), cwd=tmp_path)
    try:
        mark = "serving its page until Ctrl-C: "
        wait_until(lambda: mark in said.read_text() or demo.poll() is not None, 120, mark)
        (line,) = [line for line in said.read_text().splitlines() if line.startswith(mark)]
        page = httpx.get(line.removeprefix(mark))
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
    finally:
        demo.kill()
    assert processes_of(tmp_path / "data" / "demo") == {}
