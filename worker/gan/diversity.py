"""Statistics of generated data beside real ones, each a small function of features on the device; nothing here waits
for it. Features are (n, d) float32 in units of the real data's spread: see ``worker.gan.features``."""

from typing import NamedTuple

import torch
from torch import Tensor

# Below this share of its due a region counts as missed.
MISSED_BELOW = 0.2
# A pair is nearer than all but this share of real examples and their nearest neighbours: near-duplicates.
DUPLICATE_QUANTILE = 0.01
# A copy is this much nearer to its training example than that one's own nearest neighbour.
COPY_FACTOR = 1 / 3


def spread(features: Tensor) -> Tensor:
    """Square root of the trace of the covariance: the root mean square distance from the mean. Scalar."""
    return (features - features.mean(0)).square().sum(1).mean().sqrt()


def mean_pairwise_distance(features: Tensor) -> Tensor:
    """Mean Euclidean distance over all pairs of different rows (as the diversity score of Zhu et al. 2017, section 5,
    with pixels for features). Scalar."""
    count = len(features)
    return torch.cdist(features, features).sum() / (count * (count - 1))


def effective_rank(features: Tensor) -> Tensor:
    """exp of the entropy of the covariance's eigenvalues as shares of their sum (Roy & Vetterli 2007, definition 1, for
    the covariance): 1 where all lies on a line, d where no direction is preferred. Scalar."""
    centered = features - features.mean(0)
    eigenvalues = torch.linalg.eigvalsh(centered.T @ centered).clamp(min=0)
    shares = eigenvalues / eigenvalues.sum().clamp(min=torch.finfo(eigenvalues.dtype).tiny)
    rank: Tensor = torch.special.entr(shares).sum().exp()
    return rank


def nearest_other(features: Tensor) -> Tensor:
    """Distance (n,) of each row to the nearest other one."""
    distances = torch.cdist(features, features)
    nearest: Tensor = distances.fill_diagonal_(torch.inf).min(1).values
    return nearest


def near_duplicate_share(features: Tensor, radius: Tensor) -> Tensor:
    """Share of rows with another one within ``radius`` (Arora & Zhang 2017: by the birthday paradox, duplicates among s
    samples speak of a support of about s² examples). Scalar."""
    return (nearest_other(features) < radius).float().mean()


def shares_of(features: Tensor, centers: Tensor) -> Tensor:
    """Share of rows (bins,) whose nearest centre is each of ``centers`` (bins, d) (Richardson & Weiss 2018, section 2:
    bins of equal meaning under the real data)."""
    nearest = torch.cdist(features, centers).argmin(1)
    counts = torch.zeros(len(centers), device=features.device)
    return counts.index_add_(0, nearest, torch.ones(len(features), device=features.device)) / len(features)


def sliced_distance(features: Tensor, directions: Tensor, real_quantiles: Tensor) -> Tensor:
    """Mean over ``directions`` (d, k) of the 1-Wasserstein distance between the projections of ``features`` (n, d) and
    of as many real ones, given as ``real_quantiles`` (n, k), sorted (Rabin et al. 2011). Scalar."""
    return ((features @ directions).sort(0).values - real_quantiles).abs().mean()


class Nearest(NamedTuple):
    """Of each row the ``distances`` (n,) to the nearest of some examples, and the ``indices`` (n,) of those."""

    distances: Tensor
    indices: Tensor


def nearest(features: Tensor, examples: Tensor) -> Nearest:
    """The nearest of ``examples`` (m, d) to each row."""
    return Nearest(*torch.cdist(features, examples).min(1))


def copied_share(found: Nearest, radii: Tensor) -> Tensor:
    """Share of rows that lie within ``COPY_FACTOR`` of the ``radii`` (m,) around the nearest training example: of each
    of those the distance to its nearest other one (the nearest-neighbour ratio, as in Meehan et al. 2020). Scalar."""
    return (found.distances < COPY_FACTOR * radii[found.indices]).float().mean()


def class_entropy(classes: Tensor, count: int) -> Tensor:
    """Entropy in nats of how rows fall into ``count`` classes, given those of each (n,). Scalar."""
    shares = torch.zeros(count, device=classes.device)
    shares.index_add_(0, classes, torch.ones(len(classes), device=classes.device))
    entropy: Tensor = torch.special.entr(shares / len(classes)).sum()
    return entropy


def separability(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Chance that a real logit of (n,) lies above a generated one of (m,), ties counting half: the area under the ROC
    curve, which no loss's scale or shift of the logits changes (Mann & Whitney 1947). Scalar: 0.5 where D tells nothing
    apart, 1 where it tells all."""
    difference = real_logits[:, None] - fake_logits[None, :]
    return (difference.sign().mean() + 1) / 2


def cluster(features: Tensor, count: int, generator: torch.Generator, rounds: int = 20) -> Tensor:
    """Centres (count, d) of ``count`` regions of features (n, d) by k-means (Lloyd 1982), begun as k-means++ does
    (Arthur & Vassilvitskii 2007, section 2.2); empty regions keep their centre. A function of its arguments alone."""
    chosen = [torch.randint(len(features), (1,), generator=generator, device=features.device)]
    distances = (features - features[chosen[0]]).square().sum(1)
    for _ in range(count - 1):
        weights = distances + torch.finfo(distances.dtype).tiny
        chosen.append(torch.multinomial(weights, 1, generator=generator))
        distances = torch.minimum(distances, (features - features[chosen[-1]]).square().sum(1))
    centers = features[torch.cat(chosen)].clone()
    for _ in range(rounds):
        members = torch.nn.functional.one_hot(torch.cdist(features, centers).argmin(1), count).to(features.dtype)
        sizes = members.sum(0)[:, None]
        centers = torch.where(sizes > 0, members.T @ features / sizes.clamp(min=1), centers)
    return centers
