"""What parts of a spec do not go together, each refused with the field to change and the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from models import catalogue
from models.spec.fields import conflict
from models.spec.remedies import remedied, remedies_of

if TYPE_CHECKING:
    from models.spec.job import JobSpec

MAX_SAMPLES_PER_JOB = 10_000
MAX_CHECKPOINTS_PER_JOB = 10_000
MAX_EVALUATIONS_PER_JOB = 10_000
MAX_ASSESSMENTS_PER_JOB = 10_000
IMAGE_NETWORKS = ("dcgan", "resnet", "r3gan")


def check(spec: JobSpec) -> None:
    """Raise the first thing that is wrong between the parts of a spec.

    Raises:
        PydanticCustomError: of type ``conflict``, with the dotted path of the field.
    """
    for rule in (
        _data,
        _networks,
        _clipping,
        _penalties,
        _packing,
        _conditional,
        _augmentation,
        _pretraining,
        _execution,
        _files,
        _health,
    ):
        rule(spec)


def _refuse(field: str, message: str, **facts: Any) -> None:
    raise conflict(field, message, **facts)


def _data(spec: JobSpec) -> None:
    size = spec.dataset.size
    if size is not None:
        held_out = validation_count(size, getattr(spec.dataset, "validation_fraction", 0.0))
        if spec.batch_size > size - held_out:
            _refuse(
                "batch_size",
                "must be at most {limit}, the number of examples in the data set `{dataset}`"
                + (" that are not held out for validation" if held_out else ""),
                limit=size - held_out,
                dataset=spec.dataset.kind,
            )


def validation_count(size: int, fraction: float) -> int:
    """How many of ``size`` examples a ``validation_fraction`` holds out."""
    return round(size * fraction)


def _networks(spec: JobSpec) -> None:
    for player in ("generator", "discriminator"):
        network = getattr(spec, player)
        if network.kind in IMAGE_NETWORKS and not spec.dataset.is_image:
            _refuse(
                f"{player}.kind",
                "`{kind}` makes images and the data set `{dataset}` holds points: use one of {limit}",
                kind=network.kind,
                dataset=spec.dataset.kind,
                limit="mlp",
            )
        needed = 2 if player == "generator" else 2 * spec.pack
        if network.kind == "mlp" and network.normalization == "batch" and spec.batch_size < needed:
            _refuse(
                "batch_size",
                "must be at least {limit}: batch norm of the {player} needs other examples to compare with",
                limit=needed,
                player=player,
            )
        if network.kind == "r3gan" and network.base_channels % network.group_channels:
            _refuse(
                f"{player}.group_channels", "must divide base_channels, which is {limit}", limit=network.base_channels
            )


def _clipping(spec: JobSpec) -> None:
    if spec.loss.kind == "wasserstein" and spec.discriminator.spectral_norm:
        _refuse(
            "discriminator.spectral_norm",
            "divides away the scale of the weights that the loss `wasserstein` clips: use one of the two",
        )
    if spec.loss.kind == "wasserstein" and spec.conditional is not None and spec.conditional.kind == "acgan":
        _refuse(
            "conditional.kind",
            "the loss `wasserstein` clips all weights of the discriminator, with which a class head names nothing: use "
            "`projection`, or the loss `wasserstein_gp`",
        )


def _penalties(spec: JobSpec) -> None:
    kinds = [regularizer.kind for regularizer in spec.regularizers]
    for index, kind in enumerate(kinds):
        if kind in kinds[:index]:
            _refuse(f"regularizers.{index}.kind", "`{kind}` is there already: give each kind once", kind=kind)
        if kind == "gradient_penalty" and spec.loss.kind == "wasserstein_gp":
            _refuse(
                f"regularizers.{index}.kind",
                "the loss `wasserstein_gp` has a gradient penalty of its own: set loss.penalty_weight",
            )
    if not spec.penalties:
        return
    field = "regularizers" if spec.regularizers else "loss.kind"
    if spec.discriminator.frozen:
        _refuse(
            field,
            "a penalty on a frozen discriminator changes nothing: leave it out, or set discriminator.frozen to false",
        )
    if getattr(spec.discriminator, "normalization", "none") == "batch":
        _refuse(
            "discriminator.normalization",
            "a penalty on the gradient at each example needs answers that do not depend on the rest of the batch, as "
            "those of batch norm do (Gulrajani et al. 2017, section 4): use one of {limit}",
            limit="none, layer",
        )


def _packing(spec: JobSpec) -> None:
    if spec.batch_size % spec.pack:
        _refuse("pack", "must divide batch_size, which is {limit}", limit=spec.batch_size)
    if spec.pack > 1 and spec.conditional is not None:
        _refuse(
            "pack", "examples judged together have no class in common: with `conditional`, must be {limit}", limit=1
        )


def _conditional(spec: JobSpec) -> None:
    if spec.conditional is None:
        return
    if not spec.dataset.has_labels:
        _refuse(
            "conditional", "the data set `{dataset}` has no labels as it is described here", dataset=spec.dataset.kind
        )
    if spec.dataset.class_count == 1:
        _refuse("conditional", "needs at least {limit} classes, and there is one", limit=2)


def _augmentation(spec: JobSpec) -> None:
    augmentation = spec.augmentation
    if augmentation is None:
        return
    if not spec.dataset.is_image:
        _refuse("augmentation", "changes images, and the data set `{dataset}` holds points", dataset=spec.dataset.kind)
    if len(set(augmentation.policies)) < len(augmentation.policies):
        _refuse("augmentation.policies", "must name each policy once")
    if augmentation.adaptive is not None and spec.loss_facts.logit_boundary is None:
        _refuse(
            "augmentation.adaptive",
            "goes by the sign of D's logit on real data, which under the loss `{loss}` has no meaning",
            loss=spec.loss.kind,
        )


def _pretraining(spec: JobSpec) -> None:
    judge = spec.discriminator
    if judge.frozen and not judge.pretrain_steps:
        _refuse("discriminator.frozen", "a discriminator that was never trained judges nothing: set pretrain_steps")
    if judge.pretrain_after and not judge.pretrain_steps:
        _refuse("discriminator.pretrain_after", "means nothing without pretrain_steps")
    if judge.pretrain_after + judge.pretrain_steps > spec.steps:
        _refuse(
            "discriminator.pretrain_steps",
            "must, with pretrain_after, be at most {limit}, the steps of the run",
            limit=spec.steps,
        )


def _execution(spec: JobSpec) -> None:
    if spec.execution == "compiled" and spec.penalties:
        _refuse(
            "execution",
            "`compiled` cannot differentiate twice, as a penalty on the gradient must: use one of {limit}",
            limit="auto, eager, cuda_graph",
        )
    if spec.execution == "cuda_graph" and (reason := not_one_graph(spec)):
        _refuse(
            "execution",
            "`cuda_graph` repeats one step, and {reason}: use one of {limit}",
            reason=reason,
            limit="auto, eager",
        )


def not_one_graph(spec: JobSpec) -> str | None:
    """Why not all steps of a spec are the same operations; ``None`` where they are."""
    if spec.discriminator.pretrain_steps:
        return "with pretrain_steps not all steps update both players"
    if any(penalty.interval > 1 for penalty in spec.penalties):
        return "a lazy penalty is not in every step"
    return None


def _files(spec: JobSpec) -> None:
    limits = (
        ("sample_every", MAX_SAMPLES_PER_JOB),
        ("checkpoint_every", MAX_CHECKPOINTS_PER_JOB),
        ("evaluate_every", MAX_EVALUATIONS_PER_JOB),
    )
    for field, most in limits:
        every = getattr(spec, field)
        if every is not None and spec.steps / every > most:
            _refuse(
                field,
                "must be at least {limit} for {steps} steps: a job stores at most {most} of them",
                limit=-(-spec.steps // most),
                steps=spec.steps,
                most=most,
            )
    if spec.best_metric is not None:
        _rankable(spec, "best_metric", spec.best_metric)


def _rankable(spec: JobSpec, field: str, metric: str) -> None:
    """Refuse a metric that the run's evaluations do not have, or by which none is better than another."""
    if spec.evaluate_every is None:
        _refuse(field, "is a number of the evaluations: set evaluate_every")
    known = catalogue.evaluation_names(spec.dataset.kind, spec.dataset.has_labels)
    rankable = [name for name in known if catalogue.EVALUATIONS[name].better is not None]
    if metric not in rankable:
        _refuse(field, "must be one of {limit}", limit=", ".join(rankable))
    if metric == "label_agreement" and spec.conditional is None:
        _refuse(field, "`label_agreement` is of runs that are told the class: set conditional")


def _health(spec: JobSpec) -> None:
    health = spec.health
    if health.on_alarm != "record" and not health.enabled:
        _refuse("health.on_alarm", "there are no alarms where health is not assessed: set health.enabled")
    if health.every is not None and spec.steps / health.every > MAX_ASSESSMENTS_PER_JOB:
        _refuse(
            "health.every",
            "must be at least {limit} for {steps} steps: a job stores at most {most} assessments",
            limit=-(-spec.steps // MAX_ASSESSMENTS_PER_JOB),
            steps=spec.steps,
            most=MAX_ASSESSMENTS_PER_JOB,
        )
    if health.plateau is not None:
        _rankable(spec, "health.plateau.metric", health.plateau.metric)
    if health.on_alarm != "rollback":
        return
    # Itself no rollback, or it would be asked for its remedies in turn.
    plain = spec.model_copy(update={"health": health.model_copy(update={"on_alarm": "record"})})
    remedies = len(remedies_of(plain))
    # The last remedy may be applied again and again.
    for rollbacks in (*range(1, min(remedies, health.max_rollbacks) + 1), health.max_rollbacks):
        try:
            remedied(plain, rollbacks)
        except ValidationError as error:
            why = error.errors()[0]["msg"]
            _refuse(
                f"health.remedies.{min(rollbacks, remedies) - 1}" if health.remedies else "health.max_rollbacks",
                "leads to a spec that is refused after {rollbacks} rollbacks: {reason}",
                rollbacks=rollbacks,
                reason=why,
            )
