"""Files that a request shares with a job it makes: gone again unless that job is committed."""

from collections.abc import Iterable, Iterator
from typing import Annotated

import structlog
from fastapi import Depends
from sqlalchemy.exc import SQLAlchemyError

from api.dependencies import JOB_ID, Services, ServicesHeld
from models import jobs
from models.storage import Storage, job_folder

log = structlog.get_logger(__name__)


class SharingStorage:
    """A storage that remembers for which jobs folders were shared."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.job_ids: set[str] = set()
        self.write_folder = storage.write_folder
        self.read_folder = storage.read_folder
        self.path = storage.path
        self.delete = storage.delete

    def share_folder(self, folder: str, target: str, names: Iterable[str]) -> None:
        self.job_ids.update(JOB_ID.findall(target))
        self._storage.share_folder(folder, target, names)


def _new_files(held: ServicesHeld) -> Iterator[SharingStorage]:
    storage = SharingStorage(held.storage)
    try:
        yield storage
    except BaseException:
        for job_id in storage.job_ids:
            _take_away(held, job_id)
        raise


def _take_away(held: Services, job_id: str) -> None:
    """Delete the files of a job that was not committed. Of a commit whose answer was lost only the database knows."""
    try:
        with held.database.read() as session:
            committed = jobs.get(session, job_id) is not None
    except SQLAlchemyError:
        log.warning("files are left of a job that may not exist", job_id=job_id)
        return
    if not committed:
        held.storage.delete(job_folder(job_id))


# A route asks for it before its session: it must be left after the commit.
NewFiles = Annotated[SharingStorage, Depends(_new_files, scope="function")]
