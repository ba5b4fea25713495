"""The training job as a whole."""

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from models import catalogue
from models.spec.fields import Integer, MetadataKey, MetadataValue, Name, Part, Real, conflict, unit
from models.spec.parts import Dataset, Discriminator, Generator, Loss, NonSaturating

MAX_SAMPLES_PER_JOB = 10_000
MAX_CHECKPOINTS_PER_JOB = 10_000

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
    checkpoint_every: Integer = Field(1000, ge=1, le=10_000_000, examples=[500], json_schema_extra=unit("steps"))
    """Steps between checkpoints; the last step is always kept."""
    keep_checkpoints: Integer = Field(3, ge=1, le=1000, examples=[3], json_schema_extra=unit("checkpoints"))
    """How many of the newest checkpoints stay on disk."""
    max_duration: Integer | None = Field(None, ge=1, le=31_536_000, examples=[3600], json_schema_extra=unit("seconds"))
    """Training time after which the job ends as failed, with a last checkpoint and sample; no limit by default."""
    metadata: dict[MetadataKey, MetadataValue] = Field({}, max_length=16, examples=[{"project": "thesis"}])
    """Up to 16 labels of your own, to filter job lists by."""

    @property
    def dataset_facts(self) -> catalogue.DatasetFacts:
        return catalogue.DATASETS[self.dataset.kind]

    @property
    def loss_facts(self) -> catalogue.LossFacts:
        return catalogue.LOSSES[self.loss.kind]

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What a run of this spec records at every step, in order; ``d_loss`` and ``g_loss`` come first."""
        return catalogue.recorded_metrics(self.loss_facts)

    @model_validator(mode="after")
    def _batch_fits_the_data(self) -> Self:
        size = self.dataset_facts.size
        if size is not None and self.batch_size > size:
            raise conflict(
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
                raise conflict(
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
                raise conflict(
                    field,
                    "must be at least {limit} for {steps} steps: a job stores at most {most} of them",
                    limit=-(-self.steps // most),
                    steps=self.steps,
                    most=most,
                )
        return self
