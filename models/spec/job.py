"""The training job as a whole."""

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from models import catalogue
from models.spec.data import Dataset
from models.spec.extras import Conditional, DiffAugment
from models.spec.fields import Integer, MetadataKey, MetadataValue, Name, Part, Real, unit
from models.spec.health import AddR1, Health
from models.spec.losses import LOSS_PARTS, GradientPenalty, Loss, Regularizer, WassersteinGp
from models.spec.networks import Discriminator, Generator
from models.spec.remedies import remedies_of
from models.spec.rules import check

DEFAULT_LOSS: Any = LOSS_PARTS["non_saturating"].model_validate({"kind": "non_saturating"})
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
    loss: Loss = Field(DEFAULT_LOSS, examples=[{"kind": "non_saturating"}])
    """The adversarial loss. The real and the fake half of the discriminator's loss are summed, never averaged."""

    regularizers: tuple[Regularizer, ...] = Field((), max_length=3, examples=[[{"kind": "r1", "weight": 1.0}]])
    """Penalties on the gradient of the discriminator's logit, each kind once; recorded apart from `d_loss`."""
    pack: Integer = Field(1, ge=1, le=8, examples=[1], json_schema_extra=unit("examples"))
    """How many examples the discriminator judges together, as one (PacGAN, Lin et al. 2018); must divide
    `batch_size`."""
    conditional: Conditional | None = Field(None, discriminator="kind", examples=[{"kind": "projection"}])
    """Whether and how classes are used; not by default. The data set must have labels."""
    augmentation: DiffAugment | None = Field(None, examples=[{"kind": "diffaugment"}])
    """Random changes of what the discriminator sees, images only; none by default."""

    steps: Integer = Field(ge=1, le=10_000_000, examples=[2000], json_schema_extra=unit("steps"))
    """Training steps; one is `discriminator_steps` discriminator updates and one generator update."""
    batch_size: Integer = Field(64, ge=1, le=65_536, examples=[64], json_schema_extra=unit("examples"))
    """Real examples, and as many fake ones, in each update; at most the size of the data set."""
    discriminator_steps: Integer = Field(1, ge=1, le=100, examples=[1], json_schema_extra=unit("updates per step"))
    """Discriminator updates per generator update (k of Goodfellow et al. 2014, algorithm 1)."""
    fake_batch: Literal["fresh", "reused"] = Field("fresh", examples=["fresh"])
    """What the generator is updated on: `fresh` noise (algorithm 1), or the discriminator's last fake batch `reused`,
    which saves one generator forward pass."""
    seed: Integer = Field(0, ge=0, le=2**63 - 1, examples=[1])
    """Initial weights, data order and noise are functions of it."""
    ema_decay: Real | None = Field(None, gt=0, lt=1, examples=[0.999], json_schema_extra=unit("per step"))
    """Decay of an exponential moving average of the generator, which then draws the samples; none by default."""

    execution: Literal["auto", "eager", "compiled", "cuda_graph"] = Field("auto", examples=["auto"])
    """How a step is run. `eager`: operation by operation. `compiled`: networks through torch.compile, which needs a
    C++ compiler on the worker and takes from seconds to minutes before the first step. `cuda_graph`: the whole step
    as one CUDA graph, which needs a GPU. `auto`: `cuda_graph` on a GPU, else `eager`. Losses agree up to rounding."""
    precision: Literal["float32", "bfloat16"] = Field("float32", examples=["float32"])
    """What the networks compute in: `float32` (recent GPUs then round a convolution's inputs to TF32, as torch has it),
    or `bfloat16` where torch's autocast allows it. Weights, optimisers, losses and samples are float32 either way."""

    sample_every: Integer = Field(500, ge=1, le=10_000_000, examples=[200], json_schema_extra=unit("steps"))
    """Steps between sample images; the first (step 0) and the last step are always drawn."""
    evaluate_every: Integer | None = Field(None, ge=1, le=10_000_000, examples=[1000], json_schema_extra=unit("steps"))
    """Steps between evaluations of the generator, the last step included; none by default."""
    best_metric: str | None = Field(None, max_length=64, examples=["high_quality_share"])
    """A number of the evaluations by which the best checkpoint so far is kept beside the newest; none by default."""
    checkpoint_every: Integer = Field(1000, ge=1, le=10_000_000, examples=[500], json_schema_extra=unit("steps"))
    """Steps between checkpoints; the last step is always kept."""
    keep_checkpoints: Integer = Field(3, ge=1, le=1000, examples=[3], json_schema_extra=unit("checkpoints"))
    """How many of the newest checkpoints stay on disk."""
    max_duration: Integer | None = Field(None, ge=1, le=31_536_000, examples=[3600], json_schema_extra=unit("seconds"))
    """Training time after which the job ends as failed, with a last checkpoint and sample; no limit by default."""
    health: Health = Field(Health(), examples=[{"on_alarm": "rollback", "patience": 500}])
    """How the game between the two networks is looked after."""
    metadata: dict[MetadataKey, MetadataValue] = Field({}, max_length=16, examples=[{"project": "thesis"}])
    """Up to 16 labels of your own, to filter job lists by."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example: (channels, height, width) for images, (features,) for points."""
        return self.dataset.shape

    @property
    def loss_facts(self) -> catalogue.LossFacts:
        return catalogue.LOSSES[self.loss.kind]

    @property
    def penalties(self) -> tuple[Regularizer, ...]:
        """All penalties on the discriminator's gradient, the loss's own among them."""
        if isinstance(self.loss, WassersteinGp):
            own = GradientPenalty(kind="gradient_penalty", weight=self.loss.penalty_weight, center=1)
            return (own, *self.regularizers)
        return self.regularizers

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What a run of this spec records at every step, in order; ``d_loss`` and ``g_loss`` come first."""
        extras = {penalty.metric_name for penalty in self.penalties}
        if self.conditional is not None and self.conditional.kind == "acgan":
            extras |= catalogue.CLASSIFIER_METRICS
        if self.augmentation is not None and self.augmentation.adaptive is not None:
            extras |= catalogue.ADAPTIVE_METRICS
        if self.health.on_alarm == "rollback" and any(isinstance(remedy, AddR1) for remedy in remedies_of(self)):
            extras.add("r1_penalty")  # which a rollback may add: a job's rows hold the same from first to last
        if self.discriminator.pretrain_steps and self.loss_facts.logit_is_probability:
            extras |= catalogue.BOTH_FORMS_METRICS
        return catalogue.recorded_metrics(self.loss_facts, extras)

    @model_validator(mode="after")
    def _parts_go_together(self) -> Self:
        check(self)
        return self
