"""Settings, read once from the environment (prefix ``GANJOBS_``)."""

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# A unix socket's path holds at most 107 bytes on Linux and 103 on macOS.
LONGEST_SOCKET_PATH = 100
DATABASES = ("sqlite:///", "postgres://", "postgresql://", "postgresql+psycopg://")


class Settings(BaseSettings):
    """Where things are and how patient to be. Every field can be set as ``GANJOBS_<FIELD>``."""

    # What was given stays out of errors: it may hold a password.
    model_config = SettingsConfigDict(
        env_prefix="GANJOBS_", frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    data_folder: Path = Field(Path("data"), description="Database file, Redis files and checkpoints live here.")
    database_url: str | None = Field(
        None,
        validation_alias=AliasChoices("GANJOBS_DATABASE_URL", "DATABASE_URL"),
        description="SQLAlchemy URL of SQLite or PostgreSQL; a SQLite file in the data folder by default.",
    )
    redis_url: str | None = Field(
        None,
        validation_alias=AliasChoices("GANJOBS_REDIS_URL", "REDIS_URL"),
        description="Celery broker URL; the embedded Redis in the data folder by default.",
    )
    dataset_root: Path | None = Field(
        None, description="Data sets of one's own lie here; `datasets` in the data folder by default."
    )
    dataset_cache: Path | None = Field(
        None, description="Images are kept here as they were decoded; `cache` in the data folder by default."
    )
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    url: str | None = Field(None, description="Where the command line finds the API; http://host:port by default.")
    max_body_bytes: int = Field(1_048_576, ge=1024, description="Largest request body the API reads, in bytes.")

    stream_poll_seconds: float = Field(
        0.5, gt=0, le=60, description="How often the API looks for news of a job that somebody follows live."
    )

    lease_seconds: float = Field(
        60, gt=0, description="How long a silent worker keeps a job, and its rows while the database is away."
    )
    heartbeat_seconds: float = Field(10, gt=0, description="How often a worker extends its lease and reports itself.")
    control_poll_seconds: float = Field(0.4, gt=0, description="How often a worker looks for a cancellation.")
    reconcile_seconds: float = Field(2, gt=0, description="How often the reconciler looks for work.")
    max_attempts: int = Field(5, ge=1, description="Crashes without progress after which a job fails.")

    webhook_allow_private_targets: bool = Field(
        False, description="Whether webhooks may go to addresses that are not public, this machine's among them."
    )
    webhook_keep_days: float = Field(
        30, gt=0, le=3650, description="How long deliveries are kept once they were made or given up, in days."
    )
    courier_seconds: float = Field(1, gt=0, le=60, description="How often the courier looks for messages to send.")

    mlflow_tracking_uri: str | None = Field(
        None, description="MLflow server that all jobs are mirrored to while they train (http:// or https://)."
    )
    mlflow_experiment: str = Field(
        "ganjobs", min_length=1, max_length=500, description="MLflow experiment that they are mirrored to."
    )
    mlflow_points: int = Field(
        2000, ge=10, le=100_000, description="Points that a mirrored curve has at most; each is the mean of its steps."
    )
    mlflow_seconds: float = Field(2, gt=0, le=60, description="How often the mirror looks for news of jobs.")

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where workers train.")
    worker_slots: int = Field(1, ge=1, le=64, description="Jobs one worker trains at once, one process each.")
    torch_threads: int = Field(
        1, ge=1, description="CPU threads of one training process; more pays for large networks."
    )
    log_format: Literal["console", "json"] = Field("console", description="How processes write their own log.")

    @field_validator("data_folder", "dataset_root", "dataset_cache", mode="before")
    @classmethod
    def _named_folder(cls, folder: object) -> object:
        if folder == "":
            raise ValueError("must not be empty")  # Path("") would be the current folder
        return folder

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(DATABASES):
            raise ValueError("must be the URL of SQLite (sqlite:///file) or PostgreSQL (postgresql://…)")
        return url

    @field_validator("mlflow_tracking_uri")
    @classmethod
    def _reachable_mlflow(cls, uri: str | None) -> str | None:
        if not uri:  # as an environment file says that there is none
            return None
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be the URL of an MLflow server (http://… or https://…)")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no password: that goes into MLFLOW_TRACKING_USERNAME and _PASSWORD")
        if parts.query or parts.fragment:
            raise ValueError("must hold neither ? nor #: a token goes into MLFLOW_TRACKING_TOKEN")
        return uri.rstrip("/")

    @model_validator(mode="after")
    def _leases_outlive_heartbeats(self) -> Self:
        if self.heartbeat_seconds > self.lease_seconds / 2:
            raise ValueError("heartbeat_seconds must be at most half of lease_seconds")
        return self

    @property
    def resolved_data_folder(self) -> Path:
        return self.data_folder.expanduser().resolve()

    @property
    def resolved_dataset_root(self) -> Path:
        return (self.dataset_root or self.resolved_data_folder / "datasets").expanduser().resolve()

    @property
    def resolved_dataset_cache(self) -> Path:
        return (self.dataset_cache or self.resolved_data_folder / "cache").expanduser().resolve()

    @property
    def resolved_database_url(self) -> str:
        url = self.database_url or f"sqlite:///{self.resolved_data_folder / 'ganjobs.sqlite3'}"
        # psycopg 3 is the only PostgreSQL driver installed; accept the plain form that hosts hand out.
        for plain in ("postgres://", "postgresql://"):
            if url.startswith(plain):
                return "postgresql+psycopg://" + url.removeprefix(plain)
        return url

    @property
    def redis_folder(self) -> Path:
        return self.resolved_data_folder / "redis"

    @property
    def redis_socket(self) -> Path:
        """The embedded server's socket: in the data folder, or in a temporary folder where that path is too long."""
        path = self.redis_folder / "redis.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ganjobs-{os.getuid()}-{digest}" / "redis.sock"

    @property
    def resolved_redis_url(self) -> str:
        return self.redis_url or f"redis+socket://{self.redis_socket}?virtual_host=0"

    @property
    def storage_url(self) -> str:
        return f"file://{self.resolved_data_folder / 'files'}"

    @property
    def local_url(self) -> str:
        """Where the API that this machine serves answers."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def resolved_url(self) -> str:
        """Where the command line finds the API."""
        return (self.url or self.local_url).rstrip("/")


def read_settings() -> Settings:
    """The settings of the environment, for a process that starts; where one is not valid it ends with a line that
    names it."""
    try:
        return Settings()
    except ValidationError as error:
        sys.exit(f"ganjobs: {described(error)}")


def described(error: ValidationError) -> str:
    """The first setting that is not valid, by its name in the environment, and what is wrong with it."""
    first = error.errors(include_input=False)[0]
    names = (name if name.isupper() else f"GANJOBS_{name.upper()}" for name in map(str, first["loc"][:1]))
    return ": ".join((*names, first["msg"].removeprefix("Value error, ")))
