"""The faults that a fleet meets, each by name."""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping

import redis
from support.servers import Valkey

from benchmarks.rig.fleet import LEASE_SECONDS, Fleet

Fault = Callable[[Fleet, random.Random], None]
FAULTS: dict[str, Fault] = {}


def fault(name: str) -> Callable[[Fault], Fault]:
    def named(function: Fault) -> Fault:
        FAULTS[name] = function
        return function

    return named


def a_worker(chance: random.Random) -> str:
    return chance.choice(("worker 1", "worker 2"))


@fault("kill -9, worker's main process")
def kill_worker(fleet: Fleet, chance: random.Random) -> None:
    fleet.tell(a_worker(chance), signal.SIGKILL)


@fault("kill -9, training process")
def kill_child(fleet: Fleet, chance: random.Random) -> None:
    for child in fleet.children(a_worker(chance)):
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


@fault("kill -9, whole worker")
def kill_worker_group(fleet: Fleet, chance: random.Random) -> None:
    fleet.tell_group(a_worker(chance), signal.SIGKILL)


@fault("kill -9, API")
def kill_api(fleet: Fleet, _: random.Random) -> None:
    fleet.tell("api", signal.SIGKILL)


@fault("kill -9, reconciler")
def kill_reconciler(fleet: Fleet, _: random.Random) -> None:
    fleet.tell("reconciler", signal.SIGKILL)


@fault("kill -9, Redis")
def kill_redis(fleet: Fleet, _: random.Random) -> None:
    fleet.restart_server("redis")


@fault("Redis emptied")
def empty_redis(fleet: Fleet, _: random.Random) -> None:
    server = fleet.servers["redis"]
    assert isinstance(server, Valkey)
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        client.flushall()


@fault("kill -9, PostgreSQL")
def kill_postgres(fleet: Fleet, _: random.Random) -> None:
    fleet.restart_server("postgres")


@fault("SIGTERM, worker")
def terminate_worker(fleet: Fleet, chance: random.Random) -> None:
    fleet.tell(a_worker(chance), signal.SIGTERM)


@fault("SIGTERM, twice")
def terminate_worker_twice(fleet: Fleet, chance: random.Random) -> None:
    worker = a_worker(chance)
    fleet.tell(worker, signal.SIGTERM)
    time.sleep(0.2)
    fleet.tell(worker, signal.SIGTERM)


@fault("SIGSTOP past the lease, then SIGCONT")
def freeze_worker(fleet: Fleet, chance: random.Random) -> None:
    worker = a_worker(chance)
    fleet.tell_group(worker, signal.SIGSTOP)
    time.sleep(LEASE_SECONDS + 2)
    fleet.tell_group(worker, signal.SIGCONT)


@fault("links reset")
def reset_links(fleet: Fleet, _: random.Random) -> None:
    for proxy in fleet.proxies:
        proxy.reset()


@fault("links black-holed for 3 s, then reset")
def black_hole_links(fleet: Fleet, _: random.Random) -> None:
    for proxy in fleet.proxies:
        proxy.black_hole()
    time.sleep(3)
    for proxy in fleet.proxies:
        proxy.reset()


@fault("disk full for 3 s")
def fill_disk(fleet: Fleet, _: random.Random) -> None:
    fleet.disk.fill()
    time.sleep(3)
    fleet.disk.free()


def faults_for(fleet: Fleet) -> Mapping[str, Fault]:
    """Those that this fleet can meet."""
    return {name: meet for name, meet in FAULTS.items() if meet is not kill_postgres or "postgres" in fleet.servers}
