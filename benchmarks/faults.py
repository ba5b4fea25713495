"""Break a running fleet again and again, and count what is lost: ``python benchmarks/faults.py --faults 200``."""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import httpx  # noqa: E402 - the folders of the project come first
import typer  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402
from sqlalchemy import func, select  # noqa: E402

from benchmarks.rig.faults import faults_for  # noqa: E402
from benchmarks.rig.fleet import Fleet  # noqa: E402
from benchmarks.rig.ledger import Account, RecoveryWatch, settle  # noqa: E402
from models.database import Database  # noqa: E402
from models.spec import JobSpec  # noqa: E402
from models.status import FINAL  # noqa: E402
from models.tables import Job  # noqa: E402

PATIENCE_SECONDS = 240.0
# So many jobs wait or run at any time, until the last fault.
UNFINISHED = 4
MLP = {"kind": "mlp", "hidden_sizes": [32]}
DCGAN = {"kind": "dcgan", "base_channels": 4}
SHORT = {"batch_size": 32, "sample_every": 200, "checkpoint_every": 50, "metadata": {"for": "faults"}}
SPECS: list[dict[str, Any]] = [
    {"dataset": {"kind": "ring"}, "generator": MLP, "discriminator": MLP, "steps": 1500},
    {"dataset": {"kind": "grid"}, "generator": MLP, "discriminator": MLP, "steps": 1200, "discriminator_steps": 2},
    {"dataset": {"kind": "digits"}, "generator": MLP, "discriminator": MLP, "steps": 1200, "ema_decay": 0.99},
    {"dataset": {"kind": "digits"}, "generator": DCGAN, "discriminator": DCGAN, "steps": 600, "fake_batch": "reused"},
    {
        "dataset": {"kind": "ring"},
        "generator": MLP,
        "discriminator": MLP,
        "steps": 1500,
        "loss": {"kind": "saturating"},
    },
]
Kind = Literal["sqlite", "postgres"]


def submit(fleet: Fleet, number: int) -> None:
    """Create a job over HTTP, as often as it takes; the key makes that safe."""
    spec = JobSpec.model_validate(SPECS[number % len(SPECS)] | SHORT | {"seed": number % 7})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            headers = {"Idempotency-Key": f"faults-{number}"}
            answer = httpx.post(f"{fleet.url}/v1/jobs", json=spec.model_dump(mode="json"), headers=headers, timeout=20)
            if answer.is_success:
                return
            if answer.status_code != 503:
                raise RuntimeError(answer.text)
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("the API did not come back")
        time.sleep(0.3)


def unfinished(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Job).where(Job.status.not_in(FINAL))) or 0


@contextmanager
def watched(database: Database) -> Iterator[RecoveryWatch]:
    watch = RecoveryWatch(database)
    try:
        yield watch
    finally:
        watch.close()


def break_it(kind: Kind, count: int, seed: int, folder: Path) -> tuple[Counter[str], Mapping[str, float], Account, str]:
    """Run a fleet through ``count`` faults; returns them by name, the longest recovery of each, and the account."""
    chance, met = random.Random(seed), Counter[str]()
    fleet = Fleet(folder, kind)
    database = Database(fleet.direct_url, pooled=False)
    with fleet.running(), watched(database) as watch:
        submitted = 0
        known = faults_for(fleet)
        # Every kind comes up before any comes twice as often as another.
        order = [name for _ in range(count // len(known) + 1) for name in chance.sample(list(known), len(known))][
            :count
        ]
        for name in track(order, description=f"faults on {kind}", console=Console(stderr=True)):
            while unfinished(database) < UNFINISHED:
                submit(fleet, submitted)
                submitted += 1
            time.sleep(chance.uniform(0.2, 2.0))
            watch.begin(name)
            known[name](fleet, chance)
            met[name] += 1
        deadline = time.monotonic() + PATIENCE_SECONDS
        while unfinished(database) and time.monotonic() < deadline:
            time.sleep(0.5)
        time.sleep(1)
        return met, dict(watch.longest), settle(database, submitted), fleet.disk.kind


def show(kind: Kind, met: Counter[str], longest: Mapping[str, float], account: Account, console: Console) -> None:
    table = Table(title=f"{kind}: {met.total()} faults", title_justify="left")
    table.add_column("fault")
    table.add_column("times", justify="right")
    table.add_column("longest recovery (s)", justify="right")
    for name, times in sorted(met.items()):
        table.add_row(name, str(times), f"{longest[name]:.1f}" if name in longest else "no job was running")
    console.print(table)
    console.print(
        f"submitted {account.submitted}, jobs {account.jobs}, finished {account.finished}, "
        f"attempts {account.attempts}, rows missing {account.rows_missing}, rows twice {account.rows_twice}, "
        f"jobs whose losses differ from the undisturbed run {account.differing}"
    )
    for line in account.unfinished:
        console.print(f"  not finished: {line}", markup=False)


def main(
    faults: Annotated[int, typer.Option(min=1, help="How many faults, on each database.")] = 200,
    database: Annotated[list[str], typer.Option(help="sqlite or postgres; both by default.")] = ["sqlite", "postgres"],  # noqa: B006
    seed: Annotated[int, typer.Option(help="Chooses the faults and their times.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Where to leave the processes' logs.")] = None,
) -> None:
    """Break a fleet and count what is lost. Exits with 1 if anything is."""
    console, lost = Console(width=110), False
    for kind in database:
        if kind not in ("sqlite", "postgres"):
            sys.exit(f"no database {kind}: sqlite or postgres")
        with tempfile.TemporaryDirectory(prefix="ganjobs-faults-", ignore_cleanup_errors=True) as temporary:
            folder = (keep or Path(temporary)) / kind
            met, longest, account, disk = break_it(kind, faults, seed, folder)  # type: ignore[arg-type]
        show(kind, met, longest, account, console)  # type: ignore[arg-type]
        console.print(f"(disk full: {disk})\n")
        lost |= bool(
            account.unfinished
            or account.rows_missing
            or account.rows_twice
            or account.differing
            or account.jobs != account.submitted
        )
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    typer.run(main)
