"""A plain reading of how the two networks got on, from the metrics of a job's last steps.

Losses are good evidence of failure and poor evidence of success: no reading here says that the samples are good.
"""

import math
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from ganjobs.client import Client, MetricRows

READ = ("d_loss", "g_loss", "d_real", "d_fake", "d_grad_norm", "g_grad_norm")
# The part of a job, at its end, that is judged.
LAST_PART = 0.1
# With less gradient than this the generator is hardly taught any more (its norm is 0.1 to 10 in a healthy game).
VANISHED_NORM = 1e-3
# How far D(x) and D(G(z)) may lie apart before one network is said to be ahead.
AHEAD = 0.3
FOOLED = -0.1
CAVEAT = "Losses are good evidence of failure and poor evidence of success: judge the samples with your own eyes."


@dataclass(frozen=True)
class Verdict:
    """A name to test for and a sentence to read."""

    name: str
    sentence: str


def judge(rows: MetricRows) -> Verdict:
    """Judge the last steps of a job, one row each."""
    if not rows.steps:
        return Verdict("no_data", "No step was recorded, so there is nothing to judge.")
    values = [value for name in READ for value in rows.columns.get(name, []) if value is not None]
    if not all(map(math.isfinite, values)):
        return Verdict("diverged", "A loss or a gradient is not finite: the training has diverged.")
    taught = rows.finite("g_grad_norm")
    if taught and median(taught) < VANISHED_NORM:
        return Verdict(
            "vanishing",
            f"The generator's gradient has all but vanished (median norm {median(taught):.1e}): it learns no more.",
        )
    real, fake = rows.finite("d_real"), rows.finite("d_fake")
    if not real or not fake:
        return Verdict("alive", "Losses are finite and the generator still gets a gradient: no sign of failure.")
    return _judge_balance(fmean(real), fmean(fake))


def _judge_balance(real: float, fake: float) -> Verdict:
    """Who is ahead, by D's mean answers to real and generated data."""
    answers = f"D(x) {real:.2f}, D(G(z)) {fake:.2f}"
    if real - fake < FOOLED:
        return Verdict("fooled", f"The discriminator takes generated data for real and real for generated ({answers}).")
    if real - fake > AHEAD:
        return Verdict(
            "discriminator_ahead",
            f"The discriminator is winning and still teaches the generator ({answers}): no sign of failure.",
        )
    return Verdict("balanced", f"The two networks are in balance ({answers}): no sign of failure.")


def last_rows(client: Client, job: dict[str, Any]) -> MetricRows:
    """The rows by which a job is judged: the last tenth of those it has."""
    last = max(1, round(job["step"] * LAST_PART))
    return client.metrics(job["id"], READ, from_step=max(1, job["step"] - last + 1))


def reading(rows: MetricRows) -> list[str]:
    """The verdict on a job's last rows, as lines to print."""
    return [f"reading    {judge(rows).sentence}", f"           {CAVEAT}"]
