"""Following one job: its state and rows are read once, and after that its stream."""

import time
from collections.abc import Callable

from ganjobs import feed
from ganjobs.errors import ClientError
from ganjobs.exitcodes import is_as_bad
from ganjobs.feed import Feed, Lost
from ganjobs.patience import LOST, Patience, may_pass
from ganjobs.rest import ApiError, ApiUnreachable, Json
from ganjobs.watch_client import WatchClient
from ganjobs.watch_display import Display
from ganjobs.watched import KEYS, WINDOW, Progress

# How long news are waited for before somebody who wants to stop is listened to.
LOOK_SECONDS = 0.25
# A new image is fetched no more often than this.
PICTURE_SECONDS = 1.0


def follow(
    client: WatchClient,
    job_id: str,
    display: Display,
    pause: Callable[[float], None] = time.sleep,
    fail_on: str | None = None,
) -> Json:
    """Show a job until it has ended or is paused, or its health is as bad as ``fail_on``; returns it as it is then. A
    lost connection is waited for. ``pause`` is called between looks, and may raise to give up.

    Raises:
        ClientError: the job was deleted.
        ApiUnreachable: nobody has answered for minutes.
    """
    try:
        progress = begin(client, job_id, display.draws)
        display.update(progress)
        if not _is_done(progress, fail_on):
            _Follower(client, progress, display).go_on(pause, fail_on)
    finally:
        display.close()
    if progress.deleted:
        raise ClientError(f"{job_id} was deleted")
    return progress.job


def begin(client: WatchClient, job_id: str, draws: bool) -> Progress:
    """What is known of a job now: its state, its last rows, its health, its newest sample where that is drawn."""
    progress = Progress(client.get(job_id))
    job = progress.job
    progress.last_step = job["step"]
    if job["step"]:
        progress.add(client.metrics(job_id, KEYS, from_step=max(1, job["step"] - WINDOW + 1)))
    if job.get("verdict"):
        progress.health = client.health(job_id)
    if draws:
        _draw(client, progress)
    return progress


def _is_done(progress: Progress, fail_on: str | None) -> bool:
    return progress.resting or is_as_bad(progress.job.get("severity"), fail_on)


def _draw(client: WatchClient, progress: Progress) -> None:
    progress.picture = client.newest_sample(progress.job["id"])
    progress.newest_sample = progress.picture.step if progress.picture else None


class _Follower:
    """Takes a job's stream in, and shows what has come of it."""

    def __init__(self, client: WatchClient, progress: Progress, display: Display) -> None:
        self._client = client
        self._progress = progress
        self._display = display
        self._drawn_at = 0.0

    def go_on(self, pause: Callable[[float], None], fail_on: str | None) -> None:
        job_id = self._progress.job["id"]
        news = Feed(feed.stream_of(self._client.connection, job_id, KEYS, self._progress.last_step + 1))
        while not _is_done(self._progress, fail_on):
            pause(0)
            for each in news.take(LOOK_SECONDS):
                if isinstance(each, Lost):
                    self._progress.notice = LOST
                else:
                    self._progress.notice = None
                    self._progress.take(each)
            if news.over and not _is_done(self._progress, fail_on):
                self._ask_again(pause)
            self._draw_what_is_new()
            self._display.update(self._progress)

    def _ask_again(self, pause: Callable[[float], None]) -> None:
        """The stream has ended before it told how the job did."""

        def tell(said: str | None) -> None:
            self._progress.notice = said
            self._display.update(self._progress)

        ask = Patience(tell, pause)
        self._progress.job = ask.attempt(lambda: self._client.get(self._progress.job["id"]))

    def _draw_what_is_new(self) -> None:
        """Fetch the newest sample where it is another one, at the end in any case."""
        if not self._display.draws or self._progress.deleted:
            return
        drawn = self._progress.picture.step if self._progress.picture else None
        soon = time.monotonic() - self._drawn_at < PICTURE_SECONDS and not self._progress.resting
        if self._progress.newest_sample in (None, drawn) or soon or self._progress.notice:
            return
        try:
            _draw(self._client, self._progress)
        except (ApiUnreachable, ApiError) as error:
            if not may_pass(error):
                raise
            # The stream notices it too, says so, and the next image is fetched when it is back.
        self._drawn_at = time.monotonic()
