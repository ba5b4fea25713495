"""Where the command line looks for the service."""

from pathlib import Path

import pytest

from ganjobs import address
from models.settings import Settings

NAMES = ("GANJOBS_URL", "GANJOBS_HOST", "GANJOBS_PORT")


@pytest.fixture(autouse=True)
def _served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service has said in the data folder where it answers."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GANJOBS_DATA_FOLDER", str(tmp_path))
    address.publish(Settings(data_folder=tmp_path, host="::1", port=4321))


def test_a_service_is_found_by_its_data_folder_until_it_ends(tmp_path: Path) -> None:
    assert address.find() == "http://[::1]:4321"
    address.withdraw(Settings())
    address.withdraw(Settings())
    assert list(tmp_path.iterdir()) == []
    assert address.find() == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("GANJOBS_URL", "http://there:99/", "http://there:99"),
        ("GANJOBS_HOST", "127.0.0.2", "http://127.0.0.2:8000"),
        ("GANJOBS_PORT", "8000", "http://127.0.0.1:8000"),
    ],
)
def test_what_the_environment_says_comes_first(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, found: str
) -> None:
    monkeypatch.setenv(name, value)
    assert address.find() == found


def test_an_unfinished_file_is_no_address(tmp_path: Path) -> None:
    (tmp_path / address.FILE_NAME).write_text("")
    assert address.find() == "http://127.0.0.1:8000"
