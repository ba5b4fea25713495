"""What a Prometheus would make of a scrape."""

from collections.abc import Iterator

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def samples(client: httpx.Client) -> Iterator[Sample]:
    """All samples of a scrape."""
    response = client.get("/metrics")
    assert response.status_code == 200, response.text
    for family in text_string_to_metric_families(response.text):
        yield from family.samples


def values(client: httpx.Client, name: str, /, **labels: str) -> list[float]:
    """The values of the series of this name that have these labels, perhaps among others."""
    return [each.value for each in samples(client) if each.name == name and labels.items() <= each.labels.items()]


def value(client: httpx.Client, name: str, /, **labels: str) -> float:
    """The value of the one series of this name that has these labels."""
    (found,) = values(client, name, **labels)
    return found
