"""What a type checker makes of the client's answers: mypy reads this with the rest, and nothing runs it."""

from typing import TYPE_CHECKING, assert_type

from ganjobs import AsyncClient, AsyncJob, AsyncSample, Client, HealthReport, Job, JobStatus, Sample, Samples

if TYPE_CHECKING:
    import pandas
    import pyarrow
    from PIL.Image import Image


def blocking(client: Client) -> None:
    job = client.job("latest")
    assert_type(job, Job)
    assert_type(job.status, JobStatus)
    assert_type(job.wait(), Job)
    assert_type(client.jobs().first(), Job | None)
    assert_type(job.metrics(), pandas.DataFrame)
    assert_type(job.metrics("d_loss", max_points=60), pandas.DataFrame)
    assert_type(job.metrics(format="arrow"), pyarrow.Table)
    assert_type(job.samples(), Samples)
    assert_type(job.samples()[-1], Sample)
    assert_type(job.sample().image, Image)
    assert_type(job.health(), HealthReport)


async def asynchronous(client: AsyncClient) -> None:
    job = await client.job("latest")
    assert_type(job, AsyncJob)
    assert_type(await client.jobs().first(), AsyncJob | None)
    assert_type(await job.metrics(), pandas.DataFrame)
    assert_type(await job.metrics(format="arrow"), pyarrow.Table)
    assert_type(await job.sample(), AsyncSample)
    assert_type(await (await job.sample()).image(), Image)
