"""What the generator makes when it is looked at, rather than trained: samples, evaluations."""

import copy

import torch
from torch import Tensor

from worker.gan.events import SampleReady
from worker.gan.game import Game
from worker.gan.inputs import Batch, classes_of
from worker.gan.noise import Purpose

SAMPLED_IMAGES = 64
SAMPLED_POINTS = 2500
# Of conditional images: one row for each class, every row from the same noise.
SAMPLED_PER_CLASS = 8
MOST_SAMPLED_CLASSES = 16
# Made at a time, so that many take no more memory than a few.
PIECE = 1024


def draw_sample(game: Game) -> SampleReady:
    """Generated data from the run's fixed noise, by the averaged generator where there is one; leaves no trace."""
    is_image, is_conditional = game.spec.dataset.is_image, game.spec.conditional is not None
    labels = None
    rows = min(len(game.data.classes), MOST_SAMPLED_CLASSES) if is_conditional and is_image else 1
    count = SAMPLED_POINTS if not is_image else SAMPLED_PER_CLASS if is_conditional else SAMPLED_IMAGES
    noise = game.noise.normal((count, game.spec.generator.latent_dim), Purpose.SAMPLE_NOISE)
    if is_conditional:
        order = torch.arange(rows if is_image else len(game.data.classes), device=noise.device)
        labels = order.repeat_interleave(count) if is_image else order.repeat(count // len(order) + 1)[:count]
    values = make(game, Batch(noise.repeat(rows, 1), labels)).numpy()
    return SampleReady(game.step, values, None if labels is None else labels.cpu().numpy())


class Exhibit:
    """The players as they are after a step, to be evaluated."""

    def __init__(self, game: Game) -> None:
        self._game = game
        self._judge = copy.deepcopy(game.discriminator).eval()

    def generate(self, count: int) -> tuple[Tensor, Tensor | None]:
        """``count`` generated examples and their classes, on the CPU, a function of the seed and the step."""
        latent = latent_of(self._game, count, Purpose.EVALUATION_NOISE, Purpose.EVALUATION_LABELS, self._game.step)
        return make(self._game, latent), None if latent.labels is None else latent.labels.cpu()

    def judge(self, data: Tensor, labels: Tensor | None) -> Tensor:
        """Logits (count,) of data as they are, neither augmented nor packed, on the CPU."""
        device = self._game.noise.device
        logits = []
        with torch.inference_mode():
            for start in range(0, len(data), PIECE):
                piece = slice(start, start + PIECE)
                answer = self._judge(data[piece].to(device), None if labels is None else labels[piece].to(device))
                logits.append((answer[0] if isinstance(answer, tuple) else answer).float().cpu())
        return torch.cat(logits)


def latent_of(game: Game, count: int, noise: Purpose, labels: Purpose, step: int) -> Batch:
    """What ``count`` examples are made from: noise, and classes as often as the data have them where the run has any; a
    function of the seed, the purposes and the step."""
    data = game.noise.normal((count, game.spec.generator.latent_dim), noise, step)
    if game.spec.conditional is None:
        return Batch(data, None)
    return Batch(data, classes_of(game.noise.uniform((count,), labels, step), game.data.class_shares()))


def make(game: Game, latent: Batch) -> Tensor:
    """Generated data on the CPU, by the averaged generator where there is one, as a generator that is taken home."""
    drawing = copy.deepcopy(game.average.module if game.average is not None else game.generator).eval()
    made = []
    with torch.inference_mode():
        for start in range(0, len(latent.data), PIECE):
            piece = slice(start, start + PIECE)
            labels = None if latent.labels is None else latent.labels[piece]
            made.append(drawing(latent.data[piece], labels).cpu())
    return torch.cat(made)
