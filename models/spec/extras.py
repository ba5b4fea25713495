"""What can be added to any game: classes, and augmentation of what the discriminator sees."""

from typing import Annotated, Literal

from pydantic import Field

from models.spec.fields import Integer, Kind, Part, Real, unit


class Acgan(Part):
    """The generator is told a class, and the discriminator has a second head that must name it (AC-GAN, Odena et al.
    2017): cross-entropy on real and generated data is added to the discriminator's loss, on generated to the
    generator's."""

    kind: Annotated[Literal["acgan"], Kind]
    weight: Real = Field(1.0, gt=0, le=1e6, examples=[1.0])
    """Weight of the cross-entropies."""


class Projection(Part):
    """Both players are told the class; the discriminator adds the inner product of its features and an embedding of the
    class to its logit (Miyato & Koyama 2018, equation 3)."""

    kind: Annotated[Literal["projection"], Kind]


Conditional = Annotated[Acgan | Projection, Field(discriminator="kind")]


class AdaptiveStrength(Part):
    """Adjusts how often augmentation is applied so that the discriminator is sure of `target` of the real data (ADA,
    Karras et al. 2020, section 3.2)."""

    target: Real = Field(0.6, gt=0, lt=1, examples=[0.6])
    """Wanted mean of the sign of D's logit on real data, r_t: 0 where it is unsure, 1 where it knows them all."""
    interval: Integer = Field(4, ge=1, le=1000, examples=[4], json_schema_extra=unit("steps"))
    """Steps between adjustments."""
    ramp_examples: Integer = Field(500_000, ge=1, le=10**9, examples=[500_000], json_schema_extra=unit("real examples"))
    """Real examples in which the probability can go from 0 to 1."""


class DiffAugment(Part):
    """Random changes of all that the discriminator sees, real and generated alike, through which the generator still
    gets its gradient (Zhao et al. 2020)."""

    kind: Annotated[Literal["diffaugment"], Kind]
    policies: tuple[Literal["color", "translation", "cutout"], ...] = Field(
        ("color", "translation", "cutout"), min_length=1, max_length=3, examples=[["color", "translation", "cutout"]]
    )
    """`color`: brightness, saturation and contrast; `translation`: by up to an eighth of the side; `cutout`: a grey
    square of half the side."""
    adaptive: AdaptiveStrength | None = Field(None, examples=[{"target": 0.6}])
    """Without it, every example is augmented; with it, each with a probability that adapts, from 0 on."""
