"""What parts of a spec go together, and what do not: each refusal names the field to change, and what is allowed."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from support.specs import ADAPTIVE, AUGMENTED, BASE, FOLDER, IMAGE_NETWORKS, MIXTURE, MLP, REFUSED, RING, UNIT, judge

from models import catalogue
from models.spec import Adam, Conditional, Discriminator, Generator, JobSpec, Optimizer
from models.validation import fault, true_errors


def spec(**changes: Any) -> JobSpec:
    return JobSpec.model_validate(BASE | changes)


@pytest.mark.parametrize(("changes", "field", "limit"), REFUSED)
def test_what_does_not_go_together_is_refused_by_its_field(changes: dict[str, Any], field: str, limit: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        spec(**changes)
    (found,) = [fault(error, JobSpec) for error in true_errors(caught.value.errors())]
    assert found.field == field
    assert limit is None or found.limit == limit
    assert "{" not in found.message  # its facts are filled in


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 1797},
        {"dataset": {"kind": "digits", "validation_fraction": 0.1}, "batch_size": 1617},
        {"loss": {"kind": "wasserstein", "clip": 0.02}, **judge(normalization="batch")},
        {"loss": {"kind": "wasserstein_gp"}, "regularizers": [{"kind": "r1"}], **judge(normalization="layer")},
        {
            "loss": {"kind": "relativistic"},
            "regularizers": [{"kind": "r1"}, {"kind": "r2"}],
            **judge(spectral_norm=True),
        },
        {"regularizers": [{"kind": "r1"}], "generator": {"kind": "dcgan"}, "discriminator": {"kind": "r3gan"}},
        {"regularizers": [{"kind": "r1"}], **judge(pretrain_after=50, pretrain_steps=50)},
        {**judge(pretrain_steps=50, frozen=True), "execution": "eager"},
        {"pack": 4},
        {"dataset": RING, "pack": 8},
        {"dataset": FOLDER | {"labels": "folders"}, "conditional": {"kind": "acgan", "weight": 0.5}},
        {"dataset": MIXTURE, "conditional": {"kind": "projection"}},
        {"augmentation": ADAPTIVE, "loss": {"kind": "hinge"}},
        {"augmentation": AUGMENTED, "loss": {"kind": "relativistic"}},
        {"execution": "compiled", "loss": {"kind": "wasserstein"}},
        {"execution": "cuda_graph", "regularizers": [{"kind": "r1"}]},
        {"best_metric": "fid_digits_classifier", "evaluate_every": 10},
        {"dataset": MIXTURE, "best_metric": "reverse_kl", "evaluate_every": 10},
        {"dataset": MIXTURE | {"covariances": [UNIT, [[1.0, 0.9], [0.9, 1.0]]], "weights": [1.0, 3.0]}},
    ],
)
def test_what_goes_together_is_taken_and_survives_json(changes: dict[str, Any]) -> None:
    made = spec(**changes)
    assert JobSpec.model_validate_json(made.model_dump_json()) == made


def test_an_optimiser_without_a_kind_is_adam() -> None:
    made = spec(generator=MLP | {"optimizer": {"learning_rate": 0.001, "betas": [0.0, 0.9]}})
    assert made.generator.optimizer == Adam(learning_rate=0.001, betas=(0.0, 0.9))
    # As specs were stored before there were others.
    assert made.model_dump(mode="json")["generator"]["optimizer"]["kind"] == "adam"


def test_a_spec_of_the_first_version_is_valid_still() -> None:
    adam = {"kind": "adam", "learning_rate": 0.0002, "betas": [0.5, 0.999], "epsilon": 1e-8}
    earlier = {
        "dataset": {"kind": "digits"},
        "generator": {"kind": "dcgan", "base_channels": 32, "optimizer": adam, "latent_dim": 64},
        "discriminator": {"kind": "dcgan", "base_channels": 32, "optimizer": adam},
        "loss": {"kind": "saturating"},
        "steps": 100,
    }
    made = JobSpec.model_validate(earlier)
    assert (made.regularizers, made.pack, made.conditional, made.augmentation) == ((), 1, None, None)
    assert (made.evaluate_every, made.best_metric, made.discriminator.pretrain_steps) == (None, None, 0)


@pytest.mark.parametrize(
    ("changes", "extras"),
    [
        ({}, set()),
        ({"regularizers": [{"kind": "r1"}, {"kind": "r2"}]}, {"r1_penalty", "r2_penalty"}),
        ({"loss": {"kind": "wasserstein_gp"}}, {"gradient_penalty"}),
        (
            {"loss": {"kind": "wasserstein_gp"}, "regularizers": [{"kind": "r1"}, {"kind": "r2"}]},
            {"gradient_penalty", "r1_penalty", "r2_penalty"},
        ),
        ({"conditional": {"kind": "acgan"}}, catalogue.CLASSIFIER_METRICS),
        ({"conditional": {"kind": "projection"}}, set()),
        ({"augmentation": AUGMENTED}, set()),
        ({"augmentation": ADAPTIVE}, catalogue.ADAPTIVE_METRICS),
        (judge(pretrain_steps=5), catalogue.BOTH_FORMS_METRICS),
        ({"loss": {"kind": "hinge"}, **judge(pretrain_steps=5)}, set()),
    ],
)
def test_a_run_records_what_its_parts_have(changes: dict[str, Any], extras: set[str]) -> None:
    names = spec(**changes).metric_names
    assert names[:2] == ("d_loss", "g_loss")
    assert set(names) - set(catalogue.METRIC_NAMES) == extras
    assert list(names) == [name for name in catalogue.ALL_METRIC_NAMES if name in names]


def kinds_of(union: Any) -> set[str]:
    schema = TypeAdapter(union).json_schema()
    return set(schema["discriminator"]["mapping"])


def test_every_kind_can_be_written() -> None:
    assert kinds_of(Generator) == kinds_of(Discriminator) == {"mlp", *IMAGE_NETWORKS}
    assert kinds_of(Optimizer) == {"adam", "adamw", "rmsprop", "sgd"}
    assert kinds_of(Conditional) == {"acgan", "projection"}
    for kind in catalogue.LOSSES:
        assert spec(loss={"kind": kind}).loss_facts is catalogue.LOSSES[kind]
    needed: dict[str, dict[str, Any]] = {"mixture": MIXTURE} | {
        kind: {"path": "a", "side": 8} for kind in ("image_folder", "npz", "hugging_face")
    }
    for kind, facts in catalogue.DATASETS.items():
        made = spec(dataset={"kind": kind} | needed.get(kind, {}))
        assert facts.shape in (None, made.shape)
        assert facts.size == made.dataset.size
        assert made.dataset.is_image == (kind in catalogue.LABELLED_IMAGES)
