"""One running service that most tests here share: starting one takes seconds."""

from collections.abc import Iterator

import pytest
from support.serving import Serving, running

from ganjobs.rest import Rest


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with running(tmp_path_factory.mktemp("serve") / "data") as service:
        yield service


@pytest.fixture
def client(serving: Serving) -> Iterator[Rest]:
    with serving.client() as client:
        yield client
