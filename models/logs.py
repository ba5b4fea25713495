"""One way of logging for every process: one line per event, with the job's id wherever there is a job."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import Processor

SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure(log_format: Literal["console", "json"], level: int = logging.INFO) -> None:
    """Send structlog and the standard library's loggers to standard error, as text or as JSON lines."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for own in ("uvicorn", "uvicorn.error"):  # it has set up handlers and a format of its own
        logging.getLogger(own).handlers.clear()
        logging.getLogger(own).propagate = True
    # Each request of the client library and each message of the broker's client is not news.
    for chatty in ("httpx", "httpcore", "kombu", "amqp", "matplotlib", "PIL"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
