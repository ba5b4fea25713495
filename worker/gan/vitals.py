"""The examination of a game as it is: diversity of what the generator makes, and what the discriminator says of it.

It leaves no trace: nothing of it is seen by the training. All its numbers come from the device at once.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from worker.gan import diversity
from worker.gan.drawing import latent_of
from worker.gan.features import FeatureMap
from worker.gan.game import Game, packed
from worker.gan.inputs import Batch
from worker.gan.noise import Purpose

# Generated examples of each examination, from fixed and from fresh noise.
POINTS = 256
# Of images twice a batch, within these bounds, and no more than a batch at a time: who trains with small batches has no
# memory for large ones.
FEWEST_IMAGES, MOST_IMAGES = 32, 128
SMALLEST_PIECE = 16
# Real ones, which are looked at once: as many as there are, up to this, within this many bytes.
REAL_EXAMPLES = 2048
REAL_BYTES = 128 * 2**20
FEWEST_REAL = 128
# Regions of the real data; at least so many real examples in each, in the mean.
REGIONS = 32
EXAMPLES_PER_REGION = 8
DIRECTIONS = 12
# Rows of which all pairs are looked at.
PAIRED = 128
# Copies are looked for where at least this part of the data set is looked at.
SEARCHED_PART = 0.25
# D's lead in logits, over its standard error, below which a share of that lead says nothing.
CERTAIN_LEAD = 4.0


class Vitals(NamedTuple):
    """``statistics`` by name, and the ``shares`` (regions,) of data from fresh and fixed noise in each region."""

    statistics: dict[str, float]
    shares: tuple[float, ...]
    fixed_shares: tuple[float, ...]


class Examiner:
    """Examines one game. ``fixed`` (n, d) are the features of what the fixed noise gave the last time, ``None`` before
    the first: part of the state of a run."""

    def __init__(self, game: Game) -> None:
        self._game = game
        device = game.noise.device
        self.fixed: Tensor | None = None
        batch = game.spec.batch_size
        self._count = min(MOST_IMAGES, max(FEWEST_IMAGES, 2 * batch)) if game.spec.dataset.is_image else POINTS
        # Batch norm judges each example by the rest of its batch: real and generated ones apart, as in training.
        self._batch_norms = [part for part in game.discriminator.modules() if isinstance(part, _BatchNorm)]
        in_pieces = game.spec.dataset.is_image or self._batch_norms
        self._piece = max(SMALLEST_PIECE, batch) // game.spec.pack * game.spec.pack if in_pieces else self._count
        bytes_each = 4 * math.prod(game.spec.shape)
        affordable = max(FEWEST_REAL, min(REAL_EXAMPLES, REAL_BYTES // bytes_each))
        real, labels = game.data.labelled(affordable)
        self._features = FeatureMap(real, device)
        has_classes = game.spec.dataset.is_image and labels is not None
        self._classes = labels.to(device) if has_classes and labels is not None else None
        self._real = Batch(real[: self._count].to(device), self._labels_there(labels))
        held_out = game.data.held_out(self._count)
        self._held_out = None
        if held_out is not None and len(held_out[0]) >= 2 * game.spec.pack:
            self._held_out = Batch(held_out[0].to(device), self._labels_there(held_out[1]))
        self._fixed_latent = self._latent(Purpose.HEALTH_FIXED_NOISE, 0)
        self._measure_real(self._features.real)

    def _measure_real(self, real: Tensor) -> None:
        """What the real data's own numbers are: what the generated ones' are held against."""
        game, device = self._game, self._game.noise.device
        generator = game.noise.generator(Purpose.HEALTH_REGIONS)
        regions = max(1, min(REGIONS, len(real) // EXAMPLES_PER_REGION))
        self._centers = diversity.cluster(real, regions, generator)
        self.real_shares = tuple(diversity.shares_of(real, self._centers).tolist())
        few = real[:PAIRED]
        self._real_spread = diversity.spread(real)
        self._real_pairwise = diversity.mean_pairwise_distance(few)
        self._real_rank = diversity.effective_rank(real)
        self._duplicate_radius = diversity.nearest_other(few).quantile(diversity.DUPLICATE_QUANTILE)
        directions = torch.randn(real.shape[1], DIRECTIONS, generator=generator, device=device)
        directions = directions / directions.norm(dim=0)
        # In units of the real data's deviation along a direction, whatever the dimension.
        deviation = (real @ directions).std(0, unbiased=False).mean()
        self._directions = directions / torch.where(deviation > 0, deviation, 1)
        places = torch.linspace(0, 1, self._count, device=device)
        # Of all the real data, at the places of as many generated ones.
        self._real_quantiles = (real @ self._directions).quantile(places, dim=0)
        self._floor = self._distance_floor(real, generator)
        self._searched = min(1.0, len(real) / game.data.size) if game.data.size is not None else 0.0
        self._radii = diversity.nearest_other(real) if self._searched >= SEARCHED_PART else None
        if self._classes is not None:
            self._class_entropy = diversity.class_entropy(self._classes, len(game.data.classes))

    def _distance_floor(self, real: Tensor, generator: torch.Generator) -> Tensor:
        """What the distance to the data is of as many real examples, drawn with replacement: chance alone."""
        draws = [torch.randint(len(real), (self._count,), generator=generator, device=real.device) for _ in range(4)]
        found = [diversity.sliced_distance(real[draw], self._directions, self._real_quantiles) for draw in draws]
        return torch.stack(found).mean()

    def examine(self) -> Vitals:
        """Look at the game after its present step."""
        game = self._game
        players = (game.generator, game.discriminator)
        modes = [player.training for player in players]
        for player in (*players, *self._batch_norms):
            player.train(player in self._batch_norms)
        kept = [(buffer, buffer.clone()) for part in self._batch_norms for buffer in part.buffers()]
        with torch.no_grad():
            found, shares, fixed_shares = self._look()
            for buffer, value in kept:
                buffer.copy_(value)
        for player, mode in zip(players, modes, strict=True):
            player.train(mode)
        # The one wait for the device.
        numbers = torch.cat([torch.stack(list(found.values())), shares, fixed_shares]).tolist()
        regions = len(self._centers)
        statistics = dict(zip(found, numbers, strict=False))
        return Vitals(statistics, tuple(numbers[-2 * regions : -regions]), tuple(numbers[-regions:]))

    def _look(self) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        game = self._game
        latent = self._latent(Purpose.HEALTH_NOISE, game.step)
        data = self._generated(latent)
        fake, fixed = self._features(data), self._features(self._generated(self._fixed_latent))
        found = self._diversity(fake)
        if self.fixed is not None:
            found["movement"] = (fixed - self.fixed).square().sum(1).sqrt().mean()
        self.fixed = fixed
        found |= self._judgement(Batch(data, latent.labels))
        return found, diversity.shares_of(fake, self._centers), diversity.shares_of(fixed, self._centers)

    def _diversity(self, fake: Tensor) -> dict[str, Tensor]:
        """Of features (n, d) from fresh noise, over those of the real data."""
        few = fake[:PAIRED]
        distance = diversity.sliced_distance(fake, self._directions, self._real_quantiles)
        found = {
            "spread_ratio": diversity.spread(fake) / self._real_spread,
            "pairwise_distance_ratio": diversity.mean_pairwise_distance(few) / self._real_pairwise,
            # What is not finite has no eigenvalues.
            "effective_rank_ratio": diversity.effective_rank(fake.nan_to_num(0, 0, 0)) / self._real_rank,
            "near_duplicate_share": diversity.near_duplicate_share(few, self._duplicate_radius),
            "distance": distance,
            "distance_floor": self._floor,
        }
        if self._radii is not None or self._classes is not None:
            nearest = diversity.nearest(fake, self._features.real)
            if self._radii is not None:
                found["copied_share"] = (diversity.copied_share(nearest, self._radii) / self._searched).clamp(max=1)
            if self._classes is not None:
                entropy = diversity.class_entropy(self._classes[nearest.indices], len(self._game.data.classes))
                found["class_entropy_ratio"] = entropy / self._class_entropy
        return found

    def _judgement(self, fake: Batch) -> dict[str, Tensor]:
        """What the discriminator says of real, generated and held-out data, without augmentation."""
        facts = self._game.spec.loss_facts
        real_logits, fake_logits = self._logits(self._real), self._logits(fake)
        found = {"separability": diversity.separability(real_logits, fake_logits)}
        found["logit_gradient"] = self._logit_gradient(real_logits, fake_logits)
        found["logit_deviation"] = torch.cat([real_logits, fake_logits]).std()
        if facts.logit_boundary is not None:
            found["real_sign"] = (real_logits - facts.logit_boundary).sign().mean()
        if self._held_out is not None:
            held_out = self._logits(self._held_out)
            found["held_out_separability"] = diversity.separability(held_out, fake_logits)
            lead = real_logits.mean() - fake_logits.mean()
            error = (real_logits.var() / len(real_logits) + fake_logits.var() / len(fake_logits)).sqrt()
            ratio = (real_logits.mean() - held_out.mean()) / lead
            found["validation_ratio"] = torch.where(lead > CERTAIN_LEAD * error, ratio, 0)
        return found

    def _logit_gradient(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """Mean size of the generator loss's derivative by a generated logit: of the saturating form D(G(z)), of the
        non-saturating one 1 - D(G(z)) (Goodfellow et al. 2014, section 3; Arjovsky & Bottou 2017, theorem 2.4)."""
        game = self._game
        with torch.enable_grad():
            leaf = fake_logits.detach().requires_grad_(True)
            count = min(len(leaf), len(real_logits))
            logits = [leaf[:count], real_logits[:count]] if game.spec.loss_facts.paired else [leaf]
            (gradient,) = torch.autograd.grad(game.loss.generator(*logits) * len(logits[0]), leaf)
        return gradient.abs().sum() / len(logits[0])

    def _generated(self, latent: Batch) -> Tensor:
        # Not through ``__call__``, which a compiled network would take for a reason to compile once more.
        forward = self._game.generator.forward
        return torch.cat([forward(*piece).float() for piece in self._pieces(latent)])

    def _logits(self, batch: Batch) -> Tensor:
        """Logits (n / pack,)."""
        pack, logits = self._game.spec.pack, []
        for data, labels in self._pieces(batch):
            whole = data[: len(data) // pack * pack]
            if not len(whole):
                continue
            answer = self._game.discriminator.forward(packed(whole, pack) if pack > 1 else whole, labels)
            logits.append((answer[0] if isinstance(answer, tuple) else answer).float())
        return torch.cat(logits)

    def _pieces(self, batch: Batch) -> Iterator[Batch]:
        """The batch in such parts as the networks are given in training."""
        for start in range(0, len(batch.data), self._piece):
            piece = slice(start, start + self._piece)
            yield Batch(batch.data[piece], None if batch.labels is None else batch.labels[piece])

    def _latent(self, purpose: Purpose, step: int) -> Batch:
        return latent_of(self._game, self._count, purpose, Purpose.HEALTH_LABELS, step)

    def _labels_there(self, labels: Tensor | None) -> Tensor | None:
        """The labels of what is shown to the discriminator, where it is told them."""
        if labels is None or self._game.spec.conditional is None:
            return None
        return labels[: self._count].to(self._game.noise.device)
