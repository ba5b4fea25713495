"""Sending a whole history: in constant memory, off the event loop, and never cut short in silence."""

from collections.abc import AsyncIterator, Iterator

import structlog
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import StreamingResponse
from starlette.types import Send

from models import histories
from models.database import Database
from models.histories import History, HistoryChanged
from models.metrics import Rows

# Rows read and written at once: half a megabyte of text with nine metrics. More take longer each: Python then looks
# through them for garbage.
PAGE_ROWS = 2048
# Pieces made at once, however many exports there are: the others take turns, and leave room for short requests.
PIECES_AT_ONCE = 2
_turns: RunVar[CapacityLimiter] = RunVar("export_turns")

log = structlog.get_logger(__name__)


def pages_of(database: Database, history: History) -> Iterator[Rows]:
    """The rows of a history in order, page by page. However slowly they are taken, no connection waits with them.

    Raises:
        HistoryChanged: what was there when the history began is there no more.
    """
    step = history.first
    while step <= history.last:
        with database.read() as session:
            page = histories.read_page(session, history, step, PAGE_ROWS)
        yield page
        step = int(page.steps[-1]) + 1


async def in_turns(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """``pieces``, each made on another thread when it is asked for."""
    try:
        turns = _turns.get()
    except LookupError:
        _turns.set(turns := CapacityLimiter(PIECES_AT_ONCE))
    while (piece := await to_thread.run_sync(next, pieces, None, limiter=turns)) is not None:
        yield piece


class Export(StreamingResponse):
    """A body that is either sent whole or seen to be broken off: where its rows vanish or cannot be read, the mark of
    its end does not come and the server closes the connection. A client that goes away stops the reading."""

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for piece in self.body_iterator:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except (HistoryChanged, SQLAlchemyError) as error:  # too late for a problem: the status has been sent
            log.warning("export broken off", error=str(error).splitlines()[0])
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
