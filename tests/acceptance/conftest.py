"""One running service that most tests here share: starting one takes seconds."""

from collections.abc import Iterator

import pytest
from support.serving import Serving

from ganjobs.rest import Rest


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    service = Serving(tmp_path_factory.mktemp("serve") / "data")
    try:
        service.wait_for("ready;")
        yield service
        assert service.interrupt() == 0
    finally:
        service.make_sure_it_is_gone()


@pytest.fixture
def client(serving: Serving) -> Iterator[Rest]:
    with serving.client() as client:
        yield client
