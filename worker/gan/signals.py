"""The signals of training health: each a small function of readings and of what the loss declares of itself.

A signal that means nothing for a loss, or that was not measured, is ``None``.
"""

import math
from collections.abc import Sequence
from statistics import fmean, median

from models.catalogue import LossFacts
from worker.gan.diversity import MISSED_BELOW
from worker.gan.readings import Reading


def _mean(reading: Reading, name: str) -> float | None:
    return reading.metrics[name].mean if name in reading.metrics else None


def equilibrium_distance(reading: Reading, facts: LossFacts) -> float | None:
    """How far the discriminator's loss is below its equilibrium, as a share of it: 0 where real and generated data
    cannot be told apart, 1 where D has won, below 0 where it does worse than a guess (GAN reference, table of losses;
    equilibria by Goodfellow et al. 2014, proposition 2, and its like)."""
    level = facts.discriminator_equilibrium
    return 1 - reading.metrics["d_loss"].mean / level if level else None


def answer_gap(reading: Reading) -> float | None:
    """Mean D(x) less mean D(G(z)), as probabilities (Goodfellow et al. 2014, figure 1): 0 at equilibrium, at most 1."""
    real, fake = _mean(reading, "d_real"), _mean(reading, "d_fake")
    return None if real is None or fake is None else real - fake


def logit_gap(reading: Reading) -> float | None:
    """Mean logit of real less that of generated data: for a Wasserstein critic an estimate of the distance, up to its
    Lipschitz constant and near its optimum (Arjovsky et al. 2017, theorem 3)."""
    real, fake = _mean(reading, "d_real_logit"), _mean(reading, "d_fake_logit")
    return None if real is None or fake is None else real - fake


def jensen_shannon_bound(reading: Reading, facts: LossFacts) -> float | None:
    """ln 2 - L_D / 2, in nats: a lower bound of the Jensen-Shannon divergence of real and generated data, tight where D
    is optimal, and overstated by one that knows its data by heart (Goodfellow et al. 2014, theorem 1)."""
    if not facts.logit_is_probability:
        return None
    return max(0.0, math.log(2) - reading.metrics["d_loss"].mean / 2)


def gradient_ratio(reading: Reading, name: str, early: Sequence[float]) -> float | None:
    """A player's median gradient norm over the median of its ``early`` ones (Arjovsky & Bottou 2017, figure 2: the
    generator's falls by 5 orders of magnitude where D wins against the saturating loss)."""
    if not early or not median(early):
        return None
    return reading.metrics[name].median / median(early)


def missing_share(shares: Sequence[float], real_shares: Sequence[float]) -> float:
    """Share of the real data that lies in regions where the generated have less than a fifth of their due (regions as
    the bins of Richardson & Weiss 2018)."""
    pairs = zip(shares, real_shares, strict=True)
    return sum(real for made, real in pairs if not made >= MISSED_BELOW * real)


def total_variation(one: Sequence[float], other: Sequence[float]) -> float:
    """Half the sum of absolute differences of two sets of shares: 0 where they are alike, 1 where they have nothing in
    common."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 2


def pooled(shares: Sequence[Sequence[float]]) -> list[float]:
    """The mean of several sets of shares: those of all their samples together."""
    return [fmean(column) for column in zip(*shares, strict=True)]


def region_entropy(shares: Sequence[float], real_shares: Sequence[float]) -> float:
    """Entropy of how generated data lie over the regions of the real ones, as a share of those' own entropy."""
    real = _entropy(real_shares)
    return _entropy(shares) / real if real else 1.0


def _entropy(shares: Sequence[float]) -> float:
    return -sum(share * math.log(share) for share in shares if share > 0)
