"""What is new of a job, however the reader is cut off and whatever becomes of the job meanwhile."""

import random

import pytest
from support.health import assess, report, roll_back
from support.progress import claim, draw, evaluate, finish, queue_job, record
from support.runs import crash_after
from support.streams import Reader

from api.stream import ids
from api.stream.feed import Question
from api.stream.messages import answer
from ganjobs.stream import messages
from models import evaluations, events, leases, metrics, news, reports, samples
from models.database import Database
from models.tables import Job

NAMES = ("d_loss", "g_loss")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, size in (("ROWS", 5), ("EVENTS", 3), ("SAMPLES", 2), ("EVALUATIONS", 2), ("REPORTS", 2)):
        monkeypatch.setattr(news, name, size)


class Worker:
    """Does to a job what a worker does, in any order."""

    def __init__(self, database: Database) -> None:
        self.database = database
        queue_job(database, steps=1_000_000)
        self.job, self.lease = claim(database)
        self.step = 0
        self.drawn = -1
        self.evaluated = 0
        self.assessed = 0

    @property
    def key(self) -> tuple[int, int]:
        return self.job.number, self.job.segment

    def train(self, count: int) -> None:
        # A row that is trained again is another: readers must not mix the two.
        steps = range(self.step + 1, self.step + count + 1)
        rows = [[float(step), float(self.lease.attempt), *[None] * 7] for step in steps]
        record(self.database, self.job, self.lease, steps[0], rows)
        self.step += count

    def draw(self, _: int) -> None:
        if self.drawn < self.step:
            draw(self.database, self.job, [self.step])
            self._touch()
            self.drawn = self.step

    def evaluate(self, _: int) -> None:
        # One that is made again is another: readers must not mix the two.
        if self.evaluated < self.step:
            evaluate(self.database, self.job, self.lease, self.step, worth=float(self.lease.attempt))
            self.evaluated = self.step

    def assess(self, count: int) -> None:
        # As above.
        if self.assessed < self.step:
            verdict = ("balanced", "mode_collapse")[count % 2]
            assess(self.database, self.job, self.lease, (self.step, verdict), confidence=1 / self.lease.attempt)
            self.assessed = self.step

    def tell(self, count: int) -> None:
        with self.database.write() as session:
            leases.hold(session, self.lease)
            for number in range(count):
                events.add(session, self.job.number, "health.checked" if number % 2 else "job.noted", "something")

    def go_back(self, count: int) -> None:
        """Die, and have another attempt go on from a checkpoint."""
        self._touch(crashes=0)
        crash_after(self.job, self.database)
        self.job, self.lease = claim(self.database)
        self.step = max(self.step - count, 0)
        with self.database.write() as session:
            leases.rewind(session, self.lease, self.job.segment, self.step)
        self._begin_again()

    def roll_back(self, count: int) -> None:
        """Go on from a checkpoint in the same attempt; what came after it becomes a segment."""
        self.step = max(self.step - count, 0)
        roll_back(self.database, self.lease, self.step, report(self.step + count, "diverging"))
        self._begin_again()

    def _begin_again(self) -> None:
        # The sample of a checkpoint's step was drawn before it; only a fresh start draws one again.
        self.drawn = self.step or -1
        self.evaluated = self.assessed = self.step

    def _touch(self, **values: int) -> None:
        with self.database.write() as session:
            leases.hold(session, self.lease, **values)


class Client:
    """Reads messages, cut off whenever it is told, and goes on from the last id."""

    def __init__(self, database: Database, job: Job, from_step: int | None = 0) -> None:
        self.database = database
        self.number = job.number
        with database.snapshot() as session:
            cursor = news.begin(session, session.get_one(Job, job.number), from_step)
        self.last_id = ids.written(job.number, cursor)
        self.reader = Reader()

    def read(self, most: int = 10**9) -> None:
        """Take at most so many messages, asked for as often as there may be more."""
        more = True
        while more and most > 0:
            question = Question(ids.parsed(self.last_id).cursor, NAMES)
            batch = answer(self.database, self.number, [question]).get(question)
            if batch is None:
                return
            found = list(messages([batch.content]))
            assert found
            for message in found[:most]:
                self.reader.take(message)
                self.last_id = message.id
            most -= len(found)
            more = batch.more


ACTIONS = (
    "train",
    "train",
    "draw",
    "draw",
    "evaluate",
    "assess",
    "assess",
    "tell",
    "go_back",
    "roll_back",
    "read",
    "read",
)
LENGTH = 50


def script_of(seed: int) -> list[tuple[str, int]]:
    """What becomes of a job and its reader, in order: actions and how much of each."""
    chosen = random.Random(seed)
    return [(chosen.choice(ACTIONS), chosen.randint(1, 7)) for _ in range(LENGTH)]


@pytest.mark.usefixtures("small_pages")
def test_nothing_is_lost_and_nothing_comes_twice(database: Database) -> None:
    for seed in range(5):
        for from_step in (0, None, 4):
            read_by_script(database, seed, from_step)


def read_by_script(database: Database, seed: int, from_step: int | None) -> None:
    worker = Worker(database)
    worker.train(3)
    worker.evaluate(0)
    worker.assess(0)
    worker.train(3)
    client = Client(database, worker.job, from_step)
    first = {0: 1, None: 7, 4: 4}[from_step]
    before = events_of(database, worker.job) if from_step != 0 else []
    for action, count in script_of(seed):
        if action == "read":
            client.read(count)
        else:
            getattr(worker, action)(count)
    client.read()
    reader = client.reader
    first = min([first, *(step + 1 for step in reader.rewinds)])
    assert list(reader.rows) == list(range(first, worker.step + 1)), f"seed {seed} from {from_step}"
    assert reader.rows == rows_of(database, worker.job, first)
    assert before + reader.events == events_of(database, worker.job)
    # A fresh start draws the sample of step 0 again.
    drawn_from = 0 if 0 in reader.rewinds or from_step != 4 else first
    assert reader.samples == [step for step in samples_of(database, worker.job) if step >= drawn_from]
    known = evaluations_of(database, worker.job)
    assert reader.evaluations == {step: values for step, values in known.items() if step >= first}
    said = reports_of(database, worker.job)
    assert reader.reports == {step: sentence for step, sentence in said.items() if step >= first}
    finish(database, worker.lease)
    for _ in range(10):
        if not reader.ended:
            client.read(1)
    assert reader.ended == {"reason": "finished", "status": "succeeded"}


def rows_of(database: Database, job: Job, first: int) -> dict[int, list[float]]:
    with database.read() as session:
        found = metrics.read_rows(session, session.get_one(Job, job.number), NAMES, first, limit=1_000_000)
    return dict(zip(found.steps.tolist(), found.values.tolist(), strict=True))


def events_of(database: Database, job: Job) -> list[int]:
    with database.read() as session:
        return [event.number for event in events.list_events(session, job.number, limit=10_000)]


def evaluations_of(database: Database, job: Job) -> dict[int, dict[str, float]]:
    with database.read() as session:
        found = evaluations.list_evaluations(session, job, limit=10_000)
        return {each.step: each.values for each in found}


def reports_of(database: Database, job: Job) -> dict[int, str]:
    with database.read() as session:
        found = reports.list_reports(session, (job.number, job.segment), limit=10_000)
        return {each.step: each.report["sentence"] for each in found}


def samples_of(database: Database, job: Job) -> list[int]:
    with database.read() as session:
        return [sample.step for sample in samples.list_samples(session, job, limit=10_000)]


def test_a_snapshot_is_one_moment_and_leaves_no_trace(database: Database) -> None:
    worker = Worker(database)
    with database.snapshot() as session:
        before = news.look(session, worker.job.number)
        worker.train(1)
        assert news.look(session, worker.job.number) == before
    with database.read() as session:
        seen = news.look(session, worker.job.number)
        assert before is not None
        assert seen == (before[0] + 1, before[1])
        if database.url.get_backend_name() == "postgresql":
            worker.train(1)
            assert news.look(session, worker.job.number) == (before[0] + 2, before[1])
