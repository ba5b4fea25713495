"""Whether a service can be reached and can do its work, seen from where the command line runs."""

import importlib.metadata
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ganjobs import text
from ganjobs.address import shown
from ganjobs.effects import problem_of
from ganjobs.errors import ApiError, ApiUnreachable
from ganjobs.rest import Json
from ganjobs.types import JobStatus
from ganjobs.watch_client import WatchClient

# A clock is told by whole seconds over HTTP.
CLOCK_SECONDS = 5.0
# As long as nothing need happen to a job that waits, though a worker is free.
STUCK_SECONDS = 30.0
GIGABYTE = 1e9
LITTLE_DISK = 5 * GIGABYTE
NO_DISK = 0.5 * GIGABYTE
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
HELD = (JobStatus.RUNNING, JobStatus.PAUSING, JobStatus.CANCELLING)
# What the API says at /livez.
ALIVE = "alive"
NAME_IT = "name the API with --url or GANJOBS_URL"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# What to do where the API says that one of these is missing.
REMEDIES = {
    "database": "see that the database runs and that GANJOBS_DATABASE_URL names it where the API runs",
    "queue": "see that Redis runs and that GANJOBS_REDIS_URL names it where the API runs",
    "worker": "start one with `python -m worker`, or everything with `ganjobs serve`; jobs wait until then",
}


class State(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What one look found; ``advice`` says what to do about it, where something is to be done."""

    name: str
    state: State
    detail: str
    advice: str | None = None


def ok(name: str, detail: str) -> Finding:
    return Finding(name, State.OK, detail)


def warn(name: str, detail: str, advice: str) -> Finding:
    return Finding(name, State.WARN, detail, advice)


def fail(name: str, detail: str, advice: str) -> Finding:
    return Finding(name, State.FAIL, detail, advice)


def is_here(url: str) -> bool:
    """Whether a URL names this machine."""
    return (urlsplit(url).hostname or "") in LOOPBACK


def examine(client: WatchClient, source: str) -> Iterator[Finding]:
    """Look at the service at the client's address, which was taken from ``source``, as far as it answers."""
    yield ok("address", f"{shown(client.url)} ({source})")
    begun = time.time()
    try:
        alive = client.alive()
    except ApiUnreachable as error:
        advice = "start the service with `ganjobs serve`, or name another with --url or GANJOBS_URL"
        yield fail("api", f"nobody answers ({error.reason})", advice)
        return
    except ApiError as error:
        yield fail("api", f"something that is not Ganjobs answers ({error})", NAME_IT)
        return
    if problem_of(alive).get("status") != ALIVE:
        yield fail("api", "something that is not Ganjobs answers (not as Ganjobs does when it lives)", NAME_IT)
        return
    yield ok("api", f"answers in {1000 * (time.time() - begun):.0f} ms")
    try:
        yield _clock(alive, begun, time.time())
        yield _version(client)
        yield from _readiness(client)
        yield _page(client)
        yield from look_after_jobs(client)
    except (ApiUnreachable, ApiError) as error:
        yield fail("api", f"it has stopped answering: {error}", "look into its log, and call this again")


def _clock(alive: httpx.Response, begun: float, ended: float) -> Finding:
    try:
        theirs = parsedate_to_datetime(alive.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return warn("clock", "the API does not say what time it is", "see what stands between: proxies pass Date on")
    # What was cut off its seconds may have been nearly one more.
    apart = max(0.0, theirs - ended, begun - (theirs + 1))
    if apart <= CLOCK_SECONDS:
        return ok("clock", "agrees with this machine's")
    advice = "set both by NTP: ages that are shown here are wrong by as much"
    return warn("clock", f"the API's and this machine's are {text.duration(apart)} apart", advice)


def _version(client: WatchClient) -> Finding:
    theirs, ours = client.version(), own_version()
    if theirs == ours:
        return ok("version", f"{ours} here and there")
    advice = f"install version {theirs} here, or update the service"
    return warn("version", f"{ours} here, {theirs} there", advice)


def own_version() -> str:
    """This program's."""
    for name in ("ganjobs", "ganjobs-client"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"


def _readiness(client: WatchClient) -> Iterator[Finding]:
    for name, check in client.readiness()["checks"].items():
        if check["status"] == "ok":
            yield ok(name, check["detail"])
        else:
            yield fail(name, check["detail"], REMEDIES.get(name, "look into the API's log"))


def _page(client: WatchClient) -> Finding:
    if client.has_page():
        return ok("page", f"{shown(client.url)}/")
    return warn("page", "the service has no page", "build it where the API runs, with `make setup`")


def look_after_jobs(client: WatchClient) -> Iterator[Finding]:
    """The workers and their devices, and jobs that nobody brings on."""
    workers = client.workers()
    for worker in workers:
        yield _devices(worker)
    jobs, now = client.summaries(status=(JobStatus.QUEUED, *HELD))
    yield _held(jobs, workers)
    yield _queued(jobs, workers, now)


def _devices(worker: Json) -> Finding:
    name, host = f"worker {worker['id'].removeprefix('worker_')[:8]}", worker["hostname"]
    devices = ", ".join(f"{device['kind']} {device.get('name') or ''}".strip() for device in worker["devices"])
    taken = f"{len(worker['jobs'])} of {worker['slots']} slots taken"
    said = f"{host}: {worker['status']}, {taken}, {devices or 'no device'}"
    has_gpu = any(device["kind"] == "cuda" for device in worker["devices"])
    if not has_gpu and host == _hostname() and NVIDIA_DRIVER.exists():
        advice = "restart it; if that does not help, see `nvidia-smi`, GANJOBS_DEVICE and that torch is a CUDA build"
        return warn(name, f"{said}; this machine has an NVIDIA driver, and the worker sees no GPU", advice)
    return ok(name, said)


def _hostname() -> str:
    import socket

    return socket.gethostname()


def _held(jobs: Iterable[Json], workers: Iterable[Json]) -> Finding:
    live = {worker["id"] for worker in workers}
    held = [job for job in jobs if job["status"] in HELD]
    lost = [job["id"] for job in held if job["worker_id"] not in live]
    if not lost:
        return ok("jobs at work", f"{len(held)}, each with a worker that lives")
    said = f"{len(lost)} of {len(held)} belong to a worker that gives no sign of life: {_few(lost)}"
    advice = "wait a minute: they go back into the queue; if not, see that `python -m worker.reconciler` runs"
    return warn("jobs at work", said, advice)


def _queued(jobs: Iterable[Json], workers: Iterable[Json], now: str) -> Finding:
    queued = [job for job in jobs if job["status"] == JobStatus.QUEUED]
    free = sum(worker["slots"] - len(worker["jobs"]) for worker in workers if worker["status"] == "ready")
    waiting = [job["id"] for job in queued if _seconds(job["changed_at"] or job["created_at"], now) > STUCK_SECONDS]
    if not (waiting and free > 0):
        return ok("jobs that wait", f"{len(queued)} in the queue, {max(0, free)} slots free")
    said = f"{len(waiting)} have waited for {STUCK_SECONDS:g} seconds and more, though {free} slots are free"
    advice = "see that Redis is the same for the API and the workers, and that `python -m worker.reconciler` runs"
    return warn("jobs that wait", f"{said}: {_few(waiting)}", advice)


def _seconds(since: str, now: str) -> float:
    begun, ended = text.parse_time(since), text.parse_time(now)
    return (ended - begun).total_seconds() if begun and ended else 0.0


def _few(ids: list[str]) -> str:
    return ", ".join(ids[:3]) + (" …" if len(ids) > 3 else "")


def disk(folder: Path) -> Finding:
    """How much room there is where data are kept."""
    free = shutil.disk_usage(folder).free
    said = f"{free / GIGABYTE:.1f} GB free in {folder}"
    if free >= LITTLE_DISK:
        return ok("disk", said)
    advice = "delete jobs that are done with (`ganjobs delete`), or move the data folder"
    return (fail if free < NO_DISK else warn)("disk", said, advice)
