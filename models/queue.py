"""The doorbell: a message says that there is work, and nothing else. The database says which."""

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from models.settings import Settings

QUEUE = "ganjobs"
WORK_TASK = "ganjobs.work"
# The defaults wait for ever on a half-open connection (seconds).
SOCKET_TIMEOUT = 30
CONNECT_TIMEOUT = 2


class QueueUnavailable(Exception):
    """Redis cannot be reached."""


def make_celery(settings: Settings, socket_timeout: float = SOCKET_TIMEOUT) -> Celery:
    """The Celery application that both ends share: JSON only, no result backend, early acknowledgement."""
    app = Celery("ganjobs", broker=settings.resolved_redis_url)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_default_queue=QUEUE,
        # Early: Redis redelivers an unacknowledged message after an hour, and the claim makes messages expendable.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        # A message held by a busy worker would keep an idle one waiting.
        worker_disable_prefetch=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # Training goes on while Redis is away.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        broker_transport_options={
            "socket_timeout": socket_timeout,
            "socket_connect_timeout": CONNECT_TIMEOUT,
            "socket_keepalive": True,
            "max_retries": 1,
        },
    )
    return app


class Doorbell:
    """Rings for work and counts the rings not yet heard."""

    def __init__(self, settings: Settings, socket_timeout: float = SOCKET_TIMEOUT) -> None:
        self._celery = make_celery(settings, socket_timeout)

    def ring(self, times: int = 1) -> None:
        """Send ``times`` messages.

        Raises:
            QueueUnavailable: Redis did not take one. The job is safe: the reconciler rings again.
        """
        try:
            with self._celery.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_TIMEOUT)
                for _ in range(times):
                    self._celery.send_task(WORK_TASK, connection=connection, retry=False)
        except (OperationalError, RedisError, OSError) as error:
            raise QueueUnavailable(str(error)) from error

    def waiting(self) -> int:
        """Messages that no worker has taken yet.

        Raises:
            QueueUnavailable: Redis cannot be reached.
        """
        try:
            with self._celery.connection_for_write() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_TIMEOUT)
                return int(connection.default_channel.client.llen(QUEUE))
        except (OperationalError, RedisError, OSError) as error:
            raise QueueUnavailable(str(error)) from error

    def close(self) -> None:
        self._celery.close()
