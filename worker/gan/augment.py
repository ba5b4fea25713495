"""Random changes of the images that the discriminator sees, and how often to make them.

A change is a function of the images and of uniform numbers drawn elsewhere, can be differentiated twice (a generator is
trained through it, and a penalty on the discriminator's gradient goes through it), and takes the same operations
whatever the numbers are, so that a step with it can be captured in a CUDA graph.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from models.spec import AdaptiveStrength

# Columns of the uniform numbers, of which each policy has its own whichever others are in use.
_BRIGHTNESS, _SATURATION, _CONTRAST, _DOWN, _RIGHT, _HOLE_ROW, _HOLE_COLUMN, _COLOR, _TRANSLATION, _CUTOUT = range(10)
UNIFORMS_PER_EXAMPLE = 10


def augment(images: Tensor, uniforms: Tensor, policies: Sequence[str], probability: Tensor | None) -> Tensor:
    """Change images (B, C, H, W) by ``uniforms`` (B, UNIFORMS_PER_EXAMPLE) in [0, 1), one policy after the other, as in
    DiffAugment (Zhao et al. 2020, section 3.2).

    Without a ``probability`` every example goes through every policy; with one (a tensor of one number), each through
    each with that probability, independently of the others (Karras et al. 2020, section 3.1).

    Raises:
        KeyError: there is no such policy.
    """
    for name in policies:
        change, gate = _POLICIES[name]
        changed = change(images, uniforms)
        if probability is not None:
            chosen = uniforms[:, gate] < probability
            changed = torch.where(chosen[:, None, None, None], changed, images)
        images = changed
    return images


def _color(images: Tensor, uniforms: Tensor) -> Tensor:
    """Brightness plus -0.5 to 0.5; then saturation times 0 to 2, about the pixel's mean over its channels; then
    contrast times 0.5 to 1.5, about the image's mean."""
    brightness, saturation, contrast = (
        uniforms[:, column, None, None, None] for column in (_BRIGHTNESS, _SATURATION, _CONTRAST)
    )
    images = images + (brightness - 0.5)
    if images.shape[1] > 1:  # grey has no saturation
        images = _spread(images, images.mean(1, keepdim=True), 2 * saturation)
    return _spread(images, images.mean((1, 2, 3), keepdim=True), contrast + 0.5)


def _spread(images: Tensor, middle: Tensor, times: Tensor) -> Tensor:
    return (images - middle) * times + middle


def _translation(images: Tensor, uniforms: Tensor) -> Tensor:
    """Moved by whole pixels, at most an eighth of the side each way, grey (0) coming in from outside."""
    height, width = images.shape[2:]
    rows, row_inside = _moved(height, uniforms[:, _DOWN])
    columns, column_inside = _moved(width, uniforms[:, _RIGHT])
    places = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    # Of the pixels that are kept, none is taken twice: in the backward pass, no order of adding up can matter.
    taken = images.flatten(2).gather(2, places[:, None].expand(-1, images.shape[1], -1)).view_as(images)
    inside = row_inside[:, None, :, None] & column_inside[:, None, None, :]
    return torch.where(inside, taken, 0)


def _moved(side: int, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """For each place (B, side) along an axis: which one comes there, and whether it is inside the image."""
    most = side // 8
    sources = torch.arange(side, device=uniform.device) + _whole(uniform, 2 * most + 1)[:, None] - most
    return sources.clamp(0, side - 1), (sources >= 0) & (sources < side)


def _cutout(images: Tensor, uniforms: Tensor) -> Tensor:
    """A square of half the side made grey (0), its middle anywhere in the image: at the edge, less of it shows."""
    height, width = images.shape[2:]
    rows, columns = _hole(height, uniforms[:, _HOLE_ROW]), _hole(width, uniforms[:, _HOLE_COLUMN])
    return torch.where(rows[:, None, :, None] & columns[:, None, None, :], 0, images)


def _hole(side: int, uniform: Tensor) -> Tensor:
    """Whether each place (B, side) along an axis is in the hole."""
    size = side // 2
    # The middle of a hole of even size is an edge between pixels, of which there is one more than pixels.
    middle = _whole(uniform, side + 1 - size % 2)[:, None]
    after_start = torch.arange(side, device=uniform.device) - (middle - size // 2)
    return (after_start >= 0) & (after_start < size)


def _whole(uniform: Tensor, count: int) -> Tensor:
    """A whole number from 0 to ``count`` - 1 of each number in [0, 1)."""
    return (uniform * count).long()


_POLICIES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], int]] = {
    "color": (_color, _COLOR),
    "translation": (_translation, _TRANSLATION),
    "cutout": (_cutout, _CUTOUT),
}


class AdaptiveAugmentation(nn.Module):
    """How likely augmentation is, raised while the discriminator is too sure of the real data and lowered while it is
    not (ADA, Karras et al. 2020, section 3.2).

    Attributes:
        probability: of each policy for an example, a tensor of one number in [0, 1], 0 at first.
        r_t: mean sign of the discriminator's logits on real data, less the boundary between real and generated, since
            the last adjustment but for that which ``update`` has just made.
    """

    probability: Tensor
    r_t: Tensor
    sign_sum: Tensor
    logit_count: Tensor
    update_count: Tensor

    def __init__(
        self, strength: AdaptiveStrength, boundary: float, batch_size: int, discriminator_steps: int = 1
    ) -> None:
        """Args:
        boundary: the logit of data that could as well be real as generated (``catalogue.LossFacts.logit_boundary``).
        batch_size: real examples in each update of the discriminator.
        discriminator_steps: its updates in each step.
        """
        super().__init__()
        self._target = strength.target
        self._boundary = boundary
        self._updates_between = strength.interval * discriminator_steps
        self._change = batch_size * self._updates_between / strength.ramp_examples
        for name in ("probability", "r_t", "sign_sum", "logit_count", "update_count"):
            self.register_buffer(name, torch.zeros(()))

    @torch.no_grad()
    def update(self, real_logits: Tensor) -> None:
        """Take in the logits that an update of the discriminator gave (augmented) real data; at every ``interval``
        steps' last, adjust the probability. Nothing here waits for the device."""
        self.sign_sum += (real_logits - self._boundary).sign().sum()
        self.logit_count += real_logits.numel()
        self.update_count += 1
        self.r_t.copy_(self.sign_sum / self.logit_count)

        is_due = self.update_count >= self._updates_between
        change = (self.r_t - self._target).sign() * self._change
        self.probability.copy_(torch.where(is_due, self.probability + change, self.probability).clamp(0, 1))
        for counted in (self.sign_sum, self.logit_count, self.update_count):
            counted.masked_fill_(is_due, 0)
