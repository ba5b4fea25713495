"""The table of transitions."""

from models.status import FINAL, TRANSITIONS, JobStatus, sources_of


def test_final_states_are_left_by_no_arrow() -> None:
    assert {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED} == FINAL
    assert not [pair for pair in TRANSITIONS if pair[0] in FINAL]


def test_every_state_but_the_first_can_be_reached() -> None:
    reached, frontier = {JobStatus.QUEUED}, [JobStatus.QUEUED]
    while frontier:
        state = frontier.pop()
        fresh = {target for source, target in TRANSITIONS if source is state} - reached
        reached |= fresh
        frontier += fresh
    assert reached == set(JobStatus)


def test_a_job_that_is_being_cancelled_ends_cancelled() -> None:
    assert sources_of(JobStatus.CANCELLED) == {JobStatus.QUEUED, JobStatus.PAUSED, JobStatus.CANCELLING}
    assert [target for source, target in TRANSITIONS if source is JobStatus.CANCELLING] == [JobStatus.CANCELLED]
