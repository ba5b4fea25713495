"""The ids of messages, and the parser that reads them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.dependencies import MAX_INTEGER
from api.stream import ids
from ganjobs.stream import Message, messages
from models.news import Cursor

NUMBERS = st.integers(0, MAX_INTEGER - 1)


@given(NUMBERS, st.builds(Cursor, *[NUMBERS] * 7), st.booleans())
def test_an_id_says_where_it_stands(job_number: int, cursor: Cursor, ended: bool) -> None:
    assert ids.parsed(ids.written(job_number, cursor, ended)) == ids.Place(job_number, cursor, ended)


def test_an_id_from_before_there_were_evaluations_is_one_still() -> None:
    assert ids.parsed("7.0.512.401.17.23") == ids.Place(7, Cursor(0, 512, 401, 17, 23, evaluations=0), False)
    assert ids.parsed("7.0.512.401.17.23.end").ended
    assert ids.parsed(ids.EXAMPLE).cursor.evaluations == 501


def test_an_id_from_before_there_were_reports_is_one_still() -> None:
    before = Cursor(0, 512, 401, 17, 23, evaluations=501, reports=0)
    assert ids.parsed("7.0.512.401.17.23.501") == ids.Place(7, before, False)
    assert ids.parsed("7.0.512.401.17.23.501.end").ended
    assert ids.parsed(ids.EXAMPLE).cursor.reports == 501


@given(st.text(max_size=30))
def test_nothing_else_is_an_id(text: str) -> None:
    try:
        place = ids.parsed(text)
    except ids.MalformedIdError:
        return
    assert ids.parsed(ids.written(place.job_number, place.cursor, place.ended)) == place


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_messages_come_whole_however_they_are_cut(size: int, end: bytes) -> None:
    sent = (
        'retry: 2000\n\n: ping\n\nevent: event\ndata: {"text":"line\u2028separator\u0085"}\nid: 1\n\n'
        'event:end\ndata: {"a":\ndata: 1}\nid: 2\n\nevent: job\ndata: {"cut'
    ).encode()
    stream = sent.replace(b"\n", end)
    chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert list(messages(chunks)) == [
        Message("event", "1", {"text": "line\u2028separator\u0085"}),
        Message("end", "2", {"a": 1}),
    ]
