"""A job that makes room for another one and goes on later, and a fork of it, through the whole service."""

from support.serving import RING, wait_for_end, wait_until

from ganjobs.rest import Rest

# Long enough to be met in the middle on any machine.
STEPS = 6000
LONG = RING | {"name": "long", "steps": STEPS, "sample_every": 1000, "checkpoint_every": 1000}


def test_a_paused_job_makes_room_goes_on_and_is_forked(client: Rest) -> None:
    job_id = client.create(LONG)["id"]
    wait_until(lambda: client.get(job_id)["step"] > 0, 60, "the first steps")
    assert client.pause(job_id)["status"] == "pausing"
    wait_until(lambda: client.get(job_id)["status"] == "paused", 30, "the pause")
    paused = client.get(job_id)
    assert 0 < paused["step"] < STEPS
    assert (paused["worker_id"], paused["finished_at"], paused["steps_per_second"]) == (None, None, None)
    assert client.checkpoints(job_id)[0]["step"] == paused["step"]
    assert client.metrics(job_id, ["d_loss"]).steps == list(range(1, paused["step"] + 1))

    assert wait_for_end(client, client.create(RING)["id"])["status"] == "succeeded"
    assert client.get(job_id) == paused, "nothing happens to it meanwhile"

    assert client.resume(job_id)["status"] == "queued"
    ended = wait_for_end(client, job_id, 120)
    assert (ended["status"], ended["step"], ended["attempt"]) == ("succeeded", STEPS, 2)
    assert client.metrics(job_id, ["d_loss"]).steps == list(range(1, STEPS + 1))
    drawn = {*range(0, STEPS + 1, 1000), paused["step"]}
    assert [sample["step"] for sample in client.samples(job_id)] == sorted(drawn)
    kinds = [event["kind"] for event in client.events(job_id)]
    assert [kind for kind in kinds if kind.startswith("job.pa")] == ["job.pausing", "job.paused"]
    fork_goes_on(client, job_id)


def fork_goes_on(client: Rest, parent: str) -> None:
    """A fork of the job trains the steps after its end, even if the job itself is deleted."""
    changes = {"steps": STEPS + 200, "generator": {"optimizer": {"learning_rate": 1e-4}}}
    fork = client.fork(parent, changes)
    assert (fork["start_step"], fork["step"]) == (STEPS, STEPS)
    client.delete(parent)
    ended = wait_for_end(client, fork["id"])
    assert (ended["status"], ended["step"], ended["error"]) == ("succeeded", STEPS + 200, None)
    assert client.metrics(fork["id"], ["d_loss"]).steps == list(range(STEPS + 1, STEPS + 201))
    assert client.checkpoints(fork["id"])[0]["step"] == STEPS + 200
