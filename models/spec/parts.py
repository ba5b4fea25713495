"""The parts of a spec: data, optimisers and losses, networks."""

from typing import Annotated, Literal

from pydantic import Field

from models.spec.fields import Beta, HiddenWidth, Integer, Kind, Part, Real, unit

# --- data ------------------------------------------------------------------------------------------------------------


class Digits(Part):
    """1,797 real handwritten digits, 8 x 8 grey pixels (UCI; shipped inside scikit-learn)."""

    kind: Annotated[Literal["digits"], Kind]


class Ring(Part):
    """Eight Gaussians, standard deviation 0.01, evenly on a circle of radius 1; fresh points at every step."""

    kind: Annotated[Literal["ring"], Kind]


class Grid(Part):
    """25 Gaussians, standard deviation 0.05, at {-4, -2, 0, 2, 4} squared; fresh points at every step."""

    kind: Annotated[Literal["grid"], Kind]


Dataset = Annotated[Digits | Ring | Grid, Field(discriminator="kind")]

# --- optimisers and losses -------------------------------------------------------------------------------------------


class Adam(Part):
    """Adam (Kingma & Ba 2015, algorithm 1)."""

    kind: Annotated[Literal["adam"], Kind] = "adam"
    learning_rate: Real = Field(2e-4, gt=0, le=1, examples=[2e-4], json_schema_extra=unit("per step"))
    """Step size (alpha)."""
    betas: tuple[Beta, Beta] = Field((0.5, 0.999), examples=[[0.5, 0.999]])
    """Decay rates of the running means of the gradient and of its square."""
    epsilon: Real = Field(1e-8, gt=0, le=1, examples=[1e-8])
    """Added to the denominator."""


class NonSaturating(Part):
    """Generator minimises -E log D(G(z)) (Goodfellow et al. 2014, section 3)."""

    kind: Annotated[Literal["non_saturating"], Kind]


class Saturating(Part):
    """Generator minimises E log(1 - D(G(z))), the minimax game (Goodfellow et al. 2014, equation 1)."""

    kind: Annotated[Literal["saturating"], Kind]


Loss = Annotated[NonSaturating | Saturating, Field(discriminator="kind")]

# --- networks --------------------------------------------------------------------------------------------------------


class Mlp(Part):
    """Fully connected layers, leaky ReLU (0.2) between them; images are flattened."""

    kind: Annotated[Literal["mlp"], Kind]
    hidden_sizes: tuple[HiddenWidth, ...] = Field((128, 128), min_length=1, max_length=16, examples=[[128, 128]])
    """Width of each hidden layer, from the input on."""
    optimizer: Adam = Field(Adam(), examples=[{"kind": "adam", "learning_rate": 2e-4, "betas": [0.5, 0.999]}])
    """How this network's parameters are updated."""


class Dcgan(Part):
    """Strided convolutions with batch norm (Radford et al. 2016), from 4 x 4 by doubling; images only."""

    kind: Annotated[Literal["dcgan"], Kind]
    base_channels: Integer = Field(64, ge=4, le=512, examples=[64], json_schema_extra=unit("channels"))
    """Channels of the widest-resolution layer; each halving of the side doubles them."""
    optimizer: Adam = Field(Adam(), examples=[{"kind": "adam", "learning_rate": 2e-4, "betas": [0.5, 0.999]}])
    """How this network's parameters are updated."""


class _LatentInput(Part):
    latent_dim: Integer = Field(64, ge=1, le=4096, examples=[64], json_schema_extra=unit("dimensions"))
    """Size of the generator's standard normal input."""


class MlpGenerator(_LatentInput, Mlp):
    """Fully connected generator."""


class DcganGenerator(_LatentInput, Dcgan):
    """Transposed-convolution generator."""


Generator = Annotated[MlpGenerator | DcganGenerator, Field(discriminator="kind")]
Discriminator = Annotated[Mlp | Dcgan, Field(discriminator="kind")]
