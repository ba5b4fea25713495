"""The training-job spec: one frozen model from the HTTP body to the training loop, with no mapping layer between."""

import unicodedata
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from models import catalogue

MAX_SAMPLES_PER_JOB = 10_000
MAX_CHECKPOINTS_PER_JOB = 10_000
NOT_STORABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _storable(text: str) -> str:
    """Refuse what a database column or a log line cannot hold or a reader cannot see: control characters, formats such
    as a change of writing direction, separators of lines, what stands for no character, and nothing but white space."""
    for character in text:
        if unicodedata.category(character) in NOT_STORABLE:
            message = "must not contain control characters or invisible ones, as U+{code_point} is"
            raise PydanticCustomError("control_character", message, {"code_point": f"{ord(character):04X}"})
    if text.isspace():
        raise PydanticCustomError("blank", "must hold more than white space")
    return text


Storable = AfterValidator(_storable)
Name = Annotated[str, StringConstraints(min_length=1, max_length=64), Storable]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64), Storable]
MetadataValue = Annotated[str, StringConstraints(max_length=512), Storable]
# Strict: `"12"`, `12.0` and `true` are no integers. (A whole spec cannot be strict: JSON has no tuples.)
Integer = Annotated[int, Strict()]
Real = Annotated[float, Strict()]
HiddenWidth = Annotated[Integer, Field(ge=1, le=4096)]
Beta = Annotated[Real, Field(ge=0, lt=1)]


def _kind_example(schema: dict[str, Any]) -> None:
    schema["examples"] = [schema["const"]]


Kind = Field(description="Which kind this part is of; its other fields depend on it.", json_schema_extra=_kind_example)


def _unit(unit: str) -> dict[str, Any]:
    """The unit of a quantity, carried into the JSON Schema."""
    return {"unit": unit}


def _conflict(field: str, message: str, **context: Any) -> PydanticCustomError:
    """An error between fields, laid at the door of one of them (dotted path)."""
    return PydanticCustomError("conflict", message, {"field": field, **context})


class Part(BaseModel):
    """Base of the spec and all its parts: frozen, nothing unknown, no NaN or infinity, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


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
    learning_rate: Real = Field(2e-4, gt=0, le=1, examples=[2e-4], json_schema_extra=_unit("per step"))
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
    base_channels: Integer = Field(64, ge=4, le=512, examples=[64], json_schema_extra=_unit("channels"))
    """Channels of the widest-resolution layer; each halving of the side doubles them."""
    optimizer: Adam = Field(Adam(), examples=[{"kind": "adam", "learning_rate": 2e-4, "betas": [0.5, 0.999]}])
    """How this network's parameters are updated."""


class _LatentInput(Part):
    latent_dim: Integer = Field(64, ge=1, le=4096, examples=[64], json_schema_extra=_unit("dimensions"))
    """Size of the generator's standard normal input."""


class MlpGenerator(_LatentInput, Mlp):
    """Fully connected generator."""


class DcganGenerator(_LatentInput, Dcgan):
    """Transposed-convolution generator."""


Generator = Annotated[MlpGenerator | DcganGenerator, Field(discriminator="kind")]
Discriminator = Annotated[Mlp | Dcgan, Field(discriminator="kind")]

# --- the job ---------------------------------------------------------------------------------------------------------

EXAMPLE: dict[str, Any] = {
    "name": "digits, first try",
    "dataset": {"kind": "digits"},
    "generator": {"kind": "dcgan", "latent_dim": 64, "base_channels": 32},
    "discriminator": {"kind": "dcgan", "base_channels": 32},
    "loss": {"kind": "non_saturating"},
    "steps": 2000,
    "batch_size": 64,
    "seed": 1,
    "metadata": {"project": "thesis"},
}


class JobSpec(Part):
    """A GAN training job."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    priority: Integer = Field(0, ge=-1000, le=1000, examples=[0])
    """Jobs of higher priority are taken up first; among equals, the older one."""
    name: Name | None = Field(None, examples=["digits, first try"])
    """What people call the job; need not be unique."""
    dataset: Dataset = Field(examples=[{"kind": "digits"}])
    """The real data."""
    generator: Generator = Field(examples=[{"kind": "dcgan", "latent_dim": 64, "base_channels": 32}])
    """The network that makes data from noise."""
    discriminator: Discriminator = Field(examples=[{"kind": "dcgan", "base_channels": 32}])
    """The network that tells real data from made; it gives one logit per example."""
    loss: Loss = Field(NonSaturating(kind="non_saturating"), examples=[{"kind": "non_saturating"}])
    """The adversarial loss. The real and the fake half of the discriminator's loss are summed, never averaged."""

    steps: Integer = Field(ge=1, le=10_000_000, examples=[2000], json_schema_extra=_unit("steps"))
    """Training steps; one is `discriminator_steps` discriminator updates and one generator update."""
    batch_size: Integer = Field(64, ge=1, le=65_536, examples=[64], json_schema_extra=_unit("examples"))
    """Real examples, and as many fake ones, in each update; at most the size of the data set."""
    discriminator_steps: Integer = Field(1, ge=1, le=100, examples=[1], json_schema_extra=_unit("updates per step"))
    """Discriminator updates per generator update (k of Goodfellow et al. 2014, algorithm 1)."""
    fake_batch: Literal["fresh", "reused"] = Field("fresh", examples=["fresh"])
    """What the generator is updated on: `fresh` noise (algorithm 1), or the discriminator's last fake batch `reused`,
    which saves one generator forward pass."""
    seed: Integer = Field(0, ge=0, le=2**63 - 1, examples=[1])
    """Initial weights, data order and noise are functions of it."""
    ema_decay: Real | None = Field(None, gt=0, lt=1, examples=[0.999], json_schema_extra=_unit("per step"))
    """Decay of an exponential moving average of the generator, which then draws the samples; none by default."""

    sample_every: Integer = Field(500, ge=1, le=10_000_000, examples=[200], json_schema_extra=_unit("steps"))
    """Steps between sample images; the first (step 0) and the last step are always drawn."""
    checkpoint_every: Integer = Field(1000, ge=1, le=10_000_000, examples=[500], json_schema_extra=_unit("steps"))
    """Steps between checkpoints; the last step is always kept."""
    keep_checkpoints: Integer = Field(3, ge=1, le=1000, examples=[3], json_schema_extra=_unit("checkpoints"))
    """How many of the newest checkpoints stay on disk."""
    max_duration: Integer | None = Field(None, ge=1, le=31_536_000, examples=[3600], json_schema_extra=_unit("seconds"))
    """Training time after which the job ends as failed, with a last checkpoint and sample; no limit by default."""
    metadata: dict[MetadataKey, MetadataValue] = Field({}, max_length=16, examples=[{"project": "thesis"}])
    """Up to 16 labels of your own, to filter job lists by."""

    @property
    def dataset_facts(self) -> catalogue.DatasetFacts:
        return catalogue.DATASETS[self.dataset.kind]

    @property
    def loss_facts(self) -> catalogue.LossFacts:
        return catalogue.LOSSES[self.loss.kind]

    @model_validator(mode="after")
    def _batch_fits_the_data(self) -> Self:
        size = self.dataset_facts.size
        if size is not None and self.batch_size > size:
            raise _conflict(
                "batch_size",
                "must be at most {limit}, the number of examples in the data set `{dataset}`",
                limit=size,
                dataset=self.dataset.kind,
            )
        return self

    @model_validator(mode="after")
    def _image_networks_need_images(self) -> Self:
        for field in ("generator", "discriminator"):
            kind = getattr(self, field).kind
            if kind == "dcgan" and not self.dataset_facts.is_image:
                raise _conflict(
                    f"{field}.kind",
                    "`{kind}` makes images and the data set `{dataset}` holds points: use one of {limit}",
                    kind=kind,
                    dataset=self.dataset.kind,
                    limit="mlp",
                )
        return self

    @model_validator(mode="after")
    def _stored_files_are_bounded(self) -> Self:
        limits = (("sample_every", MAX_SAMPLES_PER_JOB), ("checkpoint_every", MAX_CHECKPOINTS_PER_JOB))
        for field, most in limits:
            if self.steps / getattr(self, field) > most:
                raise _conflict(
                    field,
                    "must be at least {limit} for {steps} steps: a job stores at most {most} of them",
                    limit=-(-self.steps // most),
                    steps=self.steps,
                    most=most,
                )
        return self
