"""What polling costs, against a route of the same server that returns a constant: ``python benchmarks/poll.py``."""

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, get_args

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import httpx  # noqa: E402 - the folders of the project come first
import typer  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from benchmarks.rig.listeners import Heard, listen  # noqa: E402
from benchmarks.rig.load import Answers, Poll, ask, ceiling  # noqa: E402
from benchmarks.rig.polled import CONSTANT, CONSTANT_PATH  # noqa: E402
from benchmarks.rig.service import Jobs, Kind, api_on, database_of, fill  # noqa: E402
from models.database import Database  # noqa: E402

CONNECTIONS = (1, 16)
THE_CONSTANT = Poll(CONSTANT_PATH)
CONSTANT_SIZE = len(json.dumps(CONSTANT, separators=(",", ":")))
# The running job records a block this often (seconds), so a few of the answers about it are new.
BLOCK_EVERY = 1.0
ROUTES = {
    "job": "",
    "last 100 rows": "/metrics?keys=d_loss&last=100",
    "envelope of 1,000": "/metrics?keys=d_loss&max_points=1000",
}


@dataclass(frozen=True)
class Effort:
    """How long to measure: ``rounds`` of ``seconds`` for each route, jobs of ``steps``, ``listeners`` to a stream."""

    rounds: int
    seconds: float
    steps: int
    listeners: int
    stream_seconds: float


FULL = Effort(rounds=9, seconds=0.5, steps=20_000, listeners=100, stream_seconds=10)
QUICK = Effort(rounds=1, seconds=0.05, steps=1000, listeners=5, stream_seconds=3)


@dataclass
class Measured:
    """One route: by the number of connections, its answers and, of the moment before, those of the constant."""

    rounds: Mapping[int, list[tuple[Answers, Answers]]] = field(
        default_factory=lambda: {count: [] for count in CONNECTIONS}
    )

    def per_second(self, connections: int) -> float:
        return median(answers.per_second for answers, _ in self.rounds[connections])

    def of_constant(self, connections: int) -> float:
        """Median of the route's rate over the constant's."""
        return median(answers.per_second / constant.per_second for answers, constant in self.rounds[connections])

    def constants(self, connections: int) -> list[float]:
        return [constant.per_second for _, constant in self.rounds[connections]]

    @property
    def share_of_304(self) -> float:
        statuses = [answers.statuses for rounds in self.rounds.values() for answers, _ in rounds]
        return sum(each[304] for each in statuses) / sum(each.total() for each in statuses)

    @property
    def size(self) -> int:
        return max(len(answers.body) for rounds in self.rounds.values() for answers, _ in rounds)


def polls(url: str, jobs: Jobs) -> dict[str, Poll]:
    """What to poll, by the name it has in the table. A route that gives no entity tag is not asked for 304s."""
    found = {}
    for what, end in ROUTES.items():
        states = {"finished": jobs.finished, "running": jobs.running.job.id} | ({} if end else {"queued": jobs.queued})
        for state, job_id in states.items():
            name = f"{state} job" if what == "job" else f"{state} job: {what}"
            poll = Poll(f"/v1/jobs/{job_id}{end}")
            answer = httpx.get(url + poll.path)
            answer.raise_for_status()
            found[name] = poll
            if "etag" in answer.headers:
                found[f"{name}, if changed"] = Poll(poll.path, conditional=True)
    return found


def measure(url: str, asked: Mapping[str, Poll], effort: Effort) -> dict[str, Measured]:
    """Ask for every route in turn, each after the constant, round after round: a slow moment slows both."""
    measured = {name: Measured() for name in asked}
    for poll in asked.values():
        ask(url, poll, max(CONNECTIONS), effort.seconds)  # what is done once is done before
    for number in range(effort.rounds):
        for connections in CONNECTIONS:
            for name in list(asked) if number % 2 == 0 else list(asked)[::-1]:
                constant = _checked(THE_CONSTANT, ask(url, THE_CONSTANT, connections, effort.seconds))
                answers = _checked(asked[name], ask(url, asked[name], connections, effort.seconds))
                measured[name].rounds[connections].append((answers, constant))
    return measured


def _checked(poll: Poll, answers: Answers) -> Answers:
    """Raises ``RuntimeError`` for answers that are not what was asked for: they would have been given too fast."""
    expected = {200, 304} if poll.conditional else {200}
    body = json.loads(answers.body)
    job_id = poll.path.split("/")[3].partition("?")[0] if poll is not THE_CONSTANT else None
    is_right = body == CONSTANT if job_id is None else job_id in (body.get("id"), body.get("job_id"))
    if not set(answers.statuses) <= expected or not is_right or (poll.conditional and not answers.statuses[304]):
        raise RuntimeError(f"{poll}: {dict(answers.statuses)}, {answers.body[:200]!r}")
    return answers


def run(kind: Kind, effort: Effort, folder: Path) -> tuple[dict[str, Measured], Heard]:
    with database_of(kind, folder) as database_url, api_on(database_url, folder) as api:
        url, database = api.url, Database(database_url)
        jobs = fill(database, effort.steps)
        asked = polls(url, jobs)
        with jobs.running.training(BLOCK_EVERY):
            measured = measure(url, asked, effort)
        training = jobs.running.training(BLOCK_EVERY)
        heard = listen(url, jobs.running.job.id, effort.listeners, effort.stream_seconds, training)
        database.dispose()
    if not heard.refused and not all(heard.messages):
        raise RuntimeError(f"listeners to the stream heard nothing: {heard}")
    return measured, heard


def show(kind: Kind, measured: Mapping[str, Measured], console: Console) -> None:
    table = Table(title=f"Polling on {kind}: requests per second, over the constant's", title_justify="left")
    table.add_column("route")
    for heading in ("bytes", "304s", *(f"{count} at once" for count in CONNECTIONS)):
        table.add_column(heading, justify="right")
    constants = [
        median(rate for each in measured.values() for rate in each.constants(connections))
        for connections in CONNECTIONS
    ]
    table.add_row("a constant", str(CONSTANT_SIZE), "", *(f"{rate:,.0f}  1.00" for rate in constants))
    for name, each in measured.items():
        cells = [f"{each.per_second(count):,.0f}  {each.of_constant(count):.2f}" for count in CONNECTIONS]
        table.add_row(name, f"{each.size:,}", f"{each.share_of_304:.1%}", *cells)
    console.print(table)


def tell(heard: Heard, effort: Effort, console: Console) -> None:
    if heard.refused:
        console.print(
            f"stream: {len(heard.refused)} of {len(heard.messages)} listeners were answered {heard.refused[0]}"
        )
        return
    console.print(
        f"stream: {len(heard.messages)} listeners for {effort.stream_seconds:g} s, a block every {BLOCK_EVERY:g} s: "
        f"{min(heard.messages)} to {max(heard.messages)} messages each, "
        f"{heard.statements_per_second:.1f} statements per second sent to the database for all of them"
    )


def main(
    database: Annotated[list[str], typer.Option(help="sqlite or postgres; both by default.")] = ["sqlite", "postgres"],  # noqa: B006
    quick: Annotated[bool, typer.Option("--quick", help="Shows in seconds that it works; measures nothing.")] = False,
) -> None:
    """Poll every route in turn, and compare it with the constant. Exits with an error where an answer is wrong."""
    console, effort = Console(width=110), QUICK if quick else FULL
    kinds: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
    if unknown := set(database) - set(kinds):
        sys.exit(f"no database {unknown.pop()}: {' or '.join(kinds)}")
    console.print(
        f"the load generator, against bare sockets: {ceiling(max(CONNECTIONS), effort.seconds):,.0f} per second"
    )
    for kind in database:
        with tempfile.TemporaryDirectory(prefix="ganjobs-poll-") as folder:
            measured, heard = run(kinds[kind], effort, Path(folder))
        console.print()
        show(kinds[kind], measured, console)
        tell(heard, effort, console)


if __name__ == "__main__":
    typer.run(main)
