"""Many listeners on one job's stream (server-sent events), and what they cost the database."""

import asyncio
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

import httpx

from benchmarks.rig.polled import STATEMENTS_PATH


@dataclass(frozen=True)
class Heard:
    """What listeners heard: of each how many messages, and how many statements per second the API sent its database
    when all were served."""

    messages: list[int]
    refused: list[int]
    statements_per_second: float


def listen(url: str, job_id: str, listeners: int, seconds: float, writing: AbstractContextManager[None]) -> Heard:
    """Have so many listen at once for so long, while the job is ``writing``."""
    return asyncio.run(_listen(url, job_id, listeners, seconds, writing))


async def _listen(
    url: str, job_id: str, listeners: int, seconds: float, writing: AbstractContextManager[None]
) -> Heard:
    # No limit on connections, and none on how long a stream is silent.
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=httpx.Timeout(30, read=None)) as client:
        path = f"/v1/jobs/{job_id}/stream"
        counts = [0] * listeners
        refused: list[int] = []

        async def hear(index: int) -> None:
            async with client.stream("GET", path, headers={"Accept": "text/event-stream"}) as answer:
                if not answer.is_success:
                    refused.append(answer.status_code)
                    return
                async for line in answer.aiter_lines():
                    counts[index] += line.startswith("data:")

        with writing:
            tasks = [asyncio.create_task(hear(index)) for index in range(listeners)]
            await asyncio.wait(tasks, timeout=seconds / 2)  # by then all are served, if they are
            before, begun = await _statements(client), time.perf_counter()
            done, still_open = await asyncio.wait(tasks, timeout=seconds / 2)
            statements, took = await _statements(client) - before, time.perf_counter() - begun
            for task in still_open:
                task.cancel()
            await asyncio.gather(*still_open, return_exceptions=True)
            for task in done:
                task.result()  # a listener that was cut off is an error
        return Heard(counts, refused, statements / took)


async def _statements(client: httpx.AsyncClient) -> int:
    return int((await client.get(STATEMENTS_PATH)).json()["statements"])
