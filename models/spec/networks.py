"""The networks: what both players can be, and what only one of them has."""

from typing import Annotated, Literal

from pydantic import Field

from models.spec.fields import Flag, HiddenWidth, Integer, Kind, Part, unit
from models.spec.schedules import Adam, Optimizer

Normalization = Literal["none", "batch", "layer"]
OPTIMIZER_EXAMPLE = {"kind": "adam", "learning_rate": 2e-4, "betas": [0.5, 0.999]}


class _Network(Part):
    spectral_norm: Flag = Field(False, examples=[False])
    """Divide each weight by its largest singular value, found by power iteration (Miyato et al. 2018, algorithm 1)."""
    optimizer: Optimizer = Field(Adam(), examples=[OPTIMIZER_EXAMPLE])
    """How this network's parameters are updated."""


class Mlp(_Network):
    """Fully connected layers, leaky ReLU (0.2) between them; images are flattened."""

    kind: Annotated[Literal["mlp"], Kind]
    hidden_sizes: tuple[HiddenWidth, ...] = Field((128, 128), min_length=1, max_length=16, examples=[[128, 128]])
    """Width of each hidden layer, from the input on."""
    normalization: Normalization = Field("none", examples=["none"])
    """What follows each hidden layer: nothing, batch norm or layer norm."""


class Dcgan(_Network):
    """Strided convolutions (Radford et al. 2016), from 4 x 4 by doubling; images whose side is a power of two, 8 to
    256."""

    kind: Annotated[Literal["dcgan"], Kind]
    base_channels: Integer = Field(64, ge=4, le=512, examples=[64], json_schema_extra=unit("channels"))
    """Channels of the widest-resolution layer; each halving of the side doubles them, up to 16 times as many."""
    normalization: Normalization = Field("batch", examples=["batch"])
    """What follows each convolution but the generator's last and the discriminator's first and last."""


class _Resnet(_Network):
    kind: Annotated[Literal["resnet"], Kind]
    base_channels: Integer = Field(64, ge=4, le=512, examples=[64], json_schema_extra=unit("channels"))
    """Channels of the widest-resolution layer; each halving of the side doubles them, up to 16 times as many."""


class R3gan(_Network):
    """The normalisation-free ResNeXt of R3GAN (Huang et al. 2024, section 4): inverted grouped bottlenecks, fix-up
    initialisation, bilinear resampling; images whose side is a power of two, 8 to 256."""

    kind: Annotated[Literal["r3gan"], Kind]
    base_channels: Integer = Field(32, ge=8, le=1024, examples=[32], json_schema_extra=unit("channels"))
    """Channels of the widest-resolution stage; each halving of the side doubles them, up to 8 times as many."""
    blocks_per_stage: Integer = Field(1, ge=1, le=8, examples=[1], json_schema_extra=unit("blocks"))
    """Residual blocks at each resolution (R3GAN has 2)."""
    group_channels: Integer = Field(16, ge=1, le=256, examples=[16], json_schema_extra=unit("channels"))
    """Channels of each group of the grouped convolutions; must divide base_channels."""
    expansion: Integer = Field(2, ge=1, le=8, examples=[2])
    """How many times wider the grouped convolution is than the block's input."""


# --- what only a generator has ---------------------------------------------------------------------------------------


class _LatentInput(Part):
    latent_dim: Integer = Field(64, ge=1, le=4096, examples=[64], json_schema_extra=unit("dimensions"))
    """Size of the generator's standard normal input."""


class MlpGenerator(_LatentInput, Mlp):
    """Fully connected generator."""


class DcganGenerator(_LatentInput, Dcgan):
    """Transposed-convolution generator."""


class ResnetGenerator(_LatentInput, _Resnet):
    """Residual generator (Miyato et al. 2018, appendix B.4); images whose side is a power of two, 8 to 256."""

    normalization: Normalization = Field("batch", examples=["batch"])
    """What precedes each 3 x 3 convolution: nothing, batch norm (conditional, where classes are used) or layer norm."""


class R3ganGenerator(_LatentInput, R3gan):
    """R3GAN's generator; its output is not bounded."""


Generator = Annotated[MlpGenerator | DcganGenerator | ResnetGenerator | R3ganGenerator, Field(discriminator="kind")]

# --- what only a discriminator has -----------------------------------------------------------------------------------


class _Judge(Part):
    pretrain_after: Integer = Field(0, ge=0, le=10_000_000, examples=[0], json_schema_extra=unit("steps"))
    """With `pretrain_steps`: steps that both players train first. Then the discriminator is drawn anew."""
    pretrain_steps: Integer = Field(0, ge=0, le=10_000_000, examples=[0], json_schema_extra=unit("steps"))
    """Steps in which the discriminator is trained alone, the generator held fixed (Arjovsky & Bottou 2017, figure 2);
    the generator's gradient is measured meanwhile under both forms of its loss."""
    frozen: Flag = Field(False, examples=[False])
    """After its `pretrain_steps` the discriminator is never updated again, and the generator trains against it."""


class MlpDiscriminator(_Judge, Mlp):
    """Fully connected discriminator."""


class DcganDiscriminator(_Judge, Dcgan):
    """Convolutional discriminator."""


class ResnetDiscriminator(_Judge, _Resnet):
    """Residual discriminator (Miyato et al. 2018, appendix B.4); images whose side is a power of two, 8 to 256."""

    normalization: Normalization = Field("none", examples=["none"])
    """What precedes each 3 x 3 convolution but the first: nothing, batch norm or layer norm."""


class R3ganDiscriminator(_Judge, R3gan):
    """R3GAN's discriminator."""


Discriminator = Annotated[
    MlpDiscriminator | DcganDiscriminator | ResnetDiscriminator | R3ganDiscriminator, Field(discriminator="kind")
]
