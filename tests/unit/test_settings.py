"""Settings and what is derived from them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from models.settings import Settings


def test_everything_lies_under_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/ganjobs.sqlite3"
    assert settings.storage_url == f"file://{tmp_path}/files"
    assert settings.resolved_redis_url == f"redis+socket://{tmp_path}/redis/redis.sock?virtual_host=0"
    assert settings.resolved_dataset_root == tmp_path / "datasets"
    assert settings.resolved_dataset_cache == tmp_path / "cache"


def test_data_sets_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANJOBS_DATASET_ROOT", "~/pictures")
    monkeypatch.setenv("GANJOBS_DATASET_CACHE", str(tmp_path / "fast" / ".." / "disk"))
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings(data_folder=tmp_path / "data")
    assert settings.resolved_dataset_root == tmp_path / "pictures"
    assert settings.resolved_dataset_cache == tmp_path / "disk"


@pytest.mark.parametrize("name", ["data_folder", "dataset_root", "dataset_cache"])
def test_no_folder_is_named_by_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"GANJOBS_{name.upper()}", "")
    with pytest.raises(ValidationError, match="must not be empty"):
        Settings()


def test_a_deep_data_folder_still_gets_a_socket_that_the_system_takes(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path / ("deep" * 40))
    assert len(str(settings.redis_socket)) <= 100
    assert settings.redis_socket == Settings(data_folder=tmp_path / ("deep" * 40)).redis_socket


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_plain_postgres_urls_get_the_installed_driver(scheme: str) -> None:
    settings = Settings(database_url=f"{scheme}://user:secret@host/name")
    assert settings.resolved_database_url == "postgresql+psycopg://user:secret@host/name"


def test_the_usual_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6379/1")
    monkeypatch.setenv("DATABASE_URL", "sqlite:////elsewhere.db")
    settings = Settings()
    assert settings.resolved_redis_url == "redis://elsewhere:6379/1"
    assert settings.resolved_database_url == "sqlite:////elsewhere.db"
