"""The application factory: ``uvicorn api.main:create_app --factory``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

import structlog
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from api import caching, documentation, errors, page
from api.bell import Bell
from api.dependencies import Services
from api.head import Head
from api.limits import BodyLimit
from api.logs import AccessLog
from api.monitoring import Monitoring
from api.polling import Poller
from api.routes import (
    actions,
    animations,
    checkpoints,
    evaluations,
    export,
    health,
    history,
    job_health,
    jobs,
    metrics,
    monitoring,
    samples,
    service,
    stream,
    watching,
    webhook_deliveries,
    webhooks,
)
from api.stream import ending
from api.stream.hub import Hub
from api.stream.messages import answer
from models import logs
from models.database import Database
from models.polling import JobReader
from models.queue import Doorbell
from models.settings import Settings
from models.storage import open_storage

log = structlog.get_logger(__name__)
# How long the API waits for a Redis that has taken the connection and says nothing.
REDIS_SECONDS = 3.0
ROUTERS = tuple(
    module.router
    for module in (
        jobs,
        watching,
        actions,
        metrics,
        export,
        stream,
        evaluations,
        job_health,
        animations,
        samples,
        history,
        checkpoints,
        webhooks,
        webhook_deliveries,
        service,
        health,
        monitoring,
    )
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The API with ``settings``, read from the environment by default. Nothing is connected before the first request.

    Raises:
        pydantic.ValidationError: a setting in the environment is not valid.
    """
    settings = settings or Settings()
    logs.configure(settings.log_format)
    app = FastAPIOffline(
        title="Ganjobs",
        version=version("ganjobs"),
        description=documentation.DESCRIPTION,
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    doorbell = Doorbell(settings, REDIS_SECONDS)
    database = Database(settings.resolved_database_url)
    app.state.services = Services(
        settings=settings,
        database=database,
        doorbell=doorbell,
        bell=Bell(doorbell),
        storage=open_storage(settings.storage_url),
        poller=Poller(JobReader(database)),
        streams=Hub(partial(answer, database), settings.stream_poll_seconds),
    )
    errors.install(app, ROUTERS)
    app.add_exception_handler(caching.NotModified, caching.on_not_modified)
    app.add_middleware(Head)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    page.install(app)
    Monitoring().install(app)
    app.add_middleware(AccessLog)  # added last, it is outermost: it sees refused bodies too
    # As they are, and first: in a router that is included FastAPI looks for each route twice.
    app.router.routes[:0] = [route for router in ROUTERS for route in router.routes]
    app.openapi = partial(documentation.document, app, ROUTERS)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Requests are answered while this is open; the server drains them first, and connections close last."""
    held: Services = app.state.services
    log.info("api started", database=held.database.url.render_as_string(hide_password=True))
    held.bell.start()
    with ending.on_signals(held.streams.close):
        yield
    await held.streams.finish()
    held.bell.close()
    held.doorbell.close()
    held.poller.close()
    held.database.dispose()
    log.info("api stopped")
