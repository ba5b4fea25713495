"""The client by itself: installed into an environment that holds nothing else of the project, against the real
service."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml
from support.serving import RING, Serving

from ganjobs import Client
from ganjobs.rest import Rest

ROOT = Path(__file__).parents[2]
NOT_THERE = ("api", "models", "worker", "migrations", "torch", "fastapi", "celery", "sqlalchemy", "pandas", "pyarrow")
SCRIPT = """
import json, sys
from importlib.util import find_spec
import ganjobs
from ganjobs import Client, NotInstalled

there = [name for name in json.loads(sys.argv[1]) if find_spec(name)]
with Client() as client:
    job = client.submit(json.loads(sys.argv[2])).wait(timeout=60)
    try:
        job.metrics()
        missing = None
    except NotInstalled as error:
        missing = str(error)
    samples = job.samples()
    print(json.dumps({
        "home": ganjobs.__file__, "there": there, "status": job.status, "missing": missing,
        "steps": [sample.step for sample in samples], "png": samples[-1].png[:4].hex(),
        "verdict": job.health().verdict, "ready": bool(client.ready()), "generator": str(job.generator()),
        "rows": len(list(job.stream("d_loss", from_step=0))) > 3,
    }))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with the client in it, built from its folder."""
    folder = tmp_path_factory.mktemp("client") / "venv"
    venv.create(folder)  # this environment's pip fills it
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python", "install", "--quiet", "--no-compile")
    subprocess.run([*pip, ROOT / "ganjobs"], check=True, cwd=folder, capture_output=True, text=True)
    return folder / "bin"


def run(*command: str | Path, url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing of the project's folder in sight."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("GANJOBS_", "PYTHON"))}
    env = ours | {"GANJOBS_URL": url}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=150, check=False)


def test_it_works_where_nothing_else_of_the_project_is(environment: Path, serving: Serving, tmp_path: Path) -> None:
    script = (environment / "python", "-c", SCRIPT, json.dumps(NOT_THERE), json.dumps(RING))
    done = run(*script, url=serving.url, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert Path(told["home"]).is_relative_to(environment.parent)
    assert told["there"] == []
    assert told["missing"] == "a table of pandas needs pandas: pip install pandas"
    assert (told["status"], told["steps"], told["png"]) == ("succeeded", [0, 20, 40, 60], "89504e47")
    assert (told["verdict"], told["ready"], told["rows"]) == ("warming_up", True, True)
    assert (tmp_path / told["generator"]).stat().st_size > 0
    assert "succeeded  step 60/60" in done.stderr.splitlines()[-1]


def test_its_command_line_does_what_needs_only_the_service(environment: Path, serving: Serving, tmp_path: Path) -> None:
    program = environment / "ganjobs"
    spec = tmp_path / "ring.json"
    spec.write_text(json.dumps(RING | {"name": "by itself"}))
    commands = (
        ("validate", str(spec)),
        ("submit", str(spec), "--set", "steps=40", "--follow"),
        ("jobs",),
        ("show", "latest"),
        ("health", "latest"),
        ("logs", "latest"),
        ("events", "latest"),
        ("evaluations", "latest"),
        ("checkpoints", "latest"),
        ("samples", "latest", "--save", "pictures"),
        ("export", "latest", "--to", "csv"),
        ("watch", "latest"),
        ("workers",),
    )
    for command in commands:
        done = run(program, *command, url=serving.url, folder=tmp_path)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    assert len(list((tmp_path / "pictures").iterdir())) == 3
    (exported,) = tmp_path.glob("*.csv")
    assert len(exported.read_text().splitlines()) == 41
    wrong = run(program, "submit", str(spec), "--set", "steps=-1", url=serving.url, folder=tmp_path)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "steps" in wrong.stderr


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_what_needs_the_server_says_what_to_install(
    command: str, environment: Path, serving: Serving, tmp_path: Path
) -> None:
    done = run(environment / "ganjobs", command, url=serving.url, folder=tmp_path)
    assert done.returncode != 0
    assert done.stderr.startswith("ganjobs: ")
    assert done.stderr.count("\n") == 1
    assert "install" in done.stderr


def test_its_files_are_called_what_they_are(environment: Path) -> None:
    """Names such as ``ganjobs/./__init__.py`` work, until something compares them."""
    (record,) = environment.parent.glob("lib/python*/site-packages/ganjobs_client-*.dist-info/RECORD")
    names = [line.split(",")[0] for line in record.read_text().splitlines()]
    ours = {name for name in names if name.startswith("ganjobs/")}
    assert {"ganjobs/__init__.py", "ganjobs/py.typed", "ganjobs/commands/watch.py"} <= ours
    assert not [
        name
        for name in names
        if "/./" in name or "/stack/" in name or (name.endswith("demo.py") and "commands" not in name)
    ]
    about = (record.parent / "METADATA").read_text()
    assert "from ganjobs import Client" in about


SNIPPETS = [
    (name, code)
    for name in ("docs/client.md", "ganjobs/README.md", "README.md")
    for code in re.findall(r"^```python\n(.*?)^```", (ROOT / name).read_text(), re.DOTALL | re.MULTILINE)
    if "from ganjobs import" in code
]


@pytest.mark.parametrize(("name", "code"), SNIPPETS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(SNIPPETS)])
def test_what_the_documentation_shows_works(name: str, code: str, serving: Serving, tmp_path: Path) -> None:
    """With the examples as they are, but for how long and how large they are."""
    (tmp_path / "examples").mkdir()
    for example in ("digits", "ring"):
        spec = yaml.safe_load((ROOT / f"examples/{example}.yaml").read_text())
        networks = {"generator": RING["generator"], "discriminator": RING["discriminator"]}
        small = {each: RING[each] for each in ("steps", "batch_size", "sample_every", "checkpoint_every")}
        (tmp_path / f"examples/{example}.yaml").write_text(yaml.safe_dump(spec | networks | small))
    shutil.copy(tmp_path / "examples/ring.yaml", tmp_path / "spec.yaml")
    code = code.replace("http://localhost:8000", serving.url)
    done = run(sys.executable, "-c", code, url=serving.url, folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_version_is_the_whole_projects(environment: Path, tmp_path: Path) -> None:
    ask = "from importlib.metadata import version; print(version({!r}))"
    installed = run(environment / "python", "-c", ask.format("ganjobs-client"), url="http://x", folder=tmp_path)
    ours = subprocess.run([sys.executable, "-c", ask.format("ganjobs")], capture_output=True, text=True, check=True)
    assert installed.stdout == ours.stdout != ""


def test_a_job_is_cancelled_forked_and_compared(client: Rest, serving: Serving) -> None:
    with Client(serving.url) as rich:
        job = rich.submit(RING, name="first").wait(progress=False, timeout=60)
        fork = job.fork({"steps": 80, "name": "second"}).wait(progress=False, timeout=60)
        assert (fork.origin.job_id if fork.origin else None, fork.step) == (job.id, 80)
        both = {one.name: one.metrics("d_loss") for one in (job, fork)}
        assert (list(both["first"].index), list(both["second"].index)) == (list(range(1, 61)), list(range(61, 81)))
        assert job.metrics(max_points=4)["d_loss"]["min"].min() == pytest.approx(both["first"].d_loss.min())
        assert job.sample().image.size == job.samples().at(59).image.size
        long = rich.submit(RING, steps=200_000, sample_every=1000, checkpoint_every=1000)
        assert long.cancel().wait(progress=False, timeout=60, raise_on_failure=False).status == "cancelled"
        long.delete()
        assert long.id not in [one.id for one in rich.jobs()]
        assert rich.job(job.id[:-2]) == job
