"""The examples: one for every kind of the spec, each with its source, and all of them run."""

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from datasets import ClassLabel, Dataset, Features, Image  # type: ignore[import-untyped]
from PIL import Image as Pillow
from support.engine import CPU, rows, steps_of

from models.catalogue import METRIC_NAMES, evaluation_names
from models.spec import JobSpec, Part
from models.specfile import load_spec, read_mapping
from worker.gan.data import DataFolders, load
from worker.gan.events import Evaluated, MetricsBlock, SampleReady
from worker.gan.loop import train

FOLDER = Path(__file__).parents[2] / "examples"
FILES = sorted(FOLDER.glob("*.yaml"))
EXAMPLES = {path.stem: load_spec(path) for path in FILES}
NAMED_AFTER_A_PAPER = [path for path in FILES if re.match(r"[a-z]+\d{4}_", path.stem)]

# Choices that need no example: sizes, and ways to run a step that not every machine has.
NEEDS_NONE = {("side", side) for side in (8, 16, 64, 128, 256)} | {
    ("execution", "compiled"),
    ("execution", "cuda_graph"),
    # What the two that have one say in a comment, and whose learning rate a remedy lowers.
    ("on_alarm", "record"),
    ("on_alarm", "pause"),
    ("player", "generator"),
    ("player", "discriminator"),
}

STEPS = 50
# What is counted in steps of the whole run, and so shrinks with it.
COUNTED_IN_STEPS = ("warm_up_steps", "over_steps", "pretrain_after", "pretrain_steps")
FEWEST = 5

BOTH_FORMS = {"g_grad_norm_saturating", "g_grad_norm_non_saturating"}
# Metrics that a plain game does not have.
EXTRA_METRICS: dict[str, set[str]] = {
    "arjovsky2017_frozen_discriminator": BOTH_FORMS,
    "arjovsky2017_frozen_generator": BOTH_FORMS,
    "fedus2018_gradient_penalty": {"gradient_penalty"},
    "grid_sharp_modes": {"r1_penalty", "r2_penalty"},
    "gulrajani2017_eight_gaussians": {"gradient_penalty"},
    "gulrajani2017_wasserstein_gp": {"gradient_penalty"},
    "huang2024_grid": {"r1_penalty", "r2_penalty"},
    "huang2024_r3gan": {"r1_penalty", "r2_penalty"},
    "karras2020_ada": {"r1_penalty", "augment_probability", "r_t"},
    "mescheder2018_r1": {"r1_penalty"},
    "odena2017_acgan": {"r1_penalty", "d_class_loss", "g_class_loss", "class_accuracy_real", "class_accuracy_fake"},
    "own_mixture": {"r1_penalty"},
    "rollback": {"r1_penalty"},
    "thanhtung2019_zero_centered": {"gradient_penalty"},
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


# --- what there is ---------------------------------------------------------------------------------------------------


def parts_of(part: Part) -> Iterator[Part]:
    """A part and those within it that its file writes down, not those that are there by default."""
    yield part
    for name in part.model_fields_set:
        value = getattr(part, name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Part):
                yield from parts_of(each)


def choices_of(schema: dict[str, Any]) -> set[tuple[str, Any]]:
    """(field, value) of each field that takes one of a few values, from a model's JSON Schema."""
    found = set()
    for name, facts in schema.get("properties", {}).items():
        for values in (facts.get("enum", ()), facts.get("items", {}).get("enum", ())):
            found |= {(name, value) for value in values}
    return found


def test_every_kind_of_the_spec_has_an_example() -> None:
    # One class for each kind of each union.
    kinds = set(JobSpec.model_json_schema()["$defs"])
    shown = {type(part).__name__ for spec in EXAMPLES.values() for part in parts_of(spec)}
    assert {"RmsProp", "Exponential", "HuggingFace", "R3ganDiscriminator", "AdaptiveStrength"} <= kinds
    assert kinds - shown == set()


def test_every_choice_of_the_spec_has_an_example() -> None:
    schema = JobSpec.model_json_schema()
    choices = {choice for model in (schema, *schema["$defs"].values()) for choice in choices_of(model)}
    shown = {
        (name, each)
        for spec in EXAMPLES.values()
        for part in parts_of(spec)
        for name, value in part
        for each in (value if isinstance(value, tuple) else (value,))
        if isinstance(each, str | int)
    }
    assert {("normalization", "layer"), ("fake_batch", "reused"), ("policies", "cutout"), ("center", 0)} <= choices
    assert choices - shown - NEEDS_NONE == set()


def test_what_is_off_by_default_has_an_example() -> None:
    specs = EXAMPLES.values()
    assert any(spec.augmentation and spec.augmentation.adaptive is None for spec in specs)
    assert any(spec.generator.spectral_norm for spec in specs)
    assert any(spec.pack > 1 for spec in specs)
    assert any(spec.discriminator_steps > 1 for spec in specs)
    assert any(spec.discriminator.frozen for spec in specs)
    assert any(spec.discriminator.pretrain_steps and not spec.discriminator.frozen for spec in specs)
    assert any(penalty.interval > 1 for spec in specs for penalty in spec.penalties)
    assert any(spec.ema_decay and spec.best_metric for spec in specs)


# --- what each says --------------------------------------------------------------------------------------------------


def comment_of(path: Path) -> list[str]:
    """The lines of the comment that an example begins with."""
    return [line.removeprefix("# ") for line in takewhile(lambda line: line[:1] == "#", path.read_text().splitlines())]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_says_where_it_is_from_and_what_to_expect(path: Path) -> None:
    lines = comment_of(path)
    assert 2 <= len(lines) <= 5
    text = " ".join(lines)
    assert re.search(r"\w (et al\.|& \w+|and \w+)? ?\d{4}\b", text)
    assert "Expect " in text
    assert load_spec(path).name


@pytest.mark.parametrize("path", NAMED_AFTER_A_PAPER, ids=lambda path: path.stem)
def test_an_example_that_is_named_after_a_paper_cites_it(path: Path) -> None:
    author, year = re.match(r"([a-z]+)(\d{4})_", path.stem).groups()  # type: ignore[union-attr]
    first, *others = comment_of(path)
    assert author in first.lower().replace("-", "")
    assert year in first
    assert re.search(r"\(arXiv \d{4}\.\d{4,5}\)", " ".join([first, *others]))


def test_the_papers_are_all_there() -> None:
    assert len(NAMED_AFTER_A_PAPER) >= 20
    names = [spec.name for spec in EXAMPLES.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_comes_back_as_it_was(path: Path, tmp_path: Path) -> None:
    spec = EXAMPLES[path.stem]
    copy = tmp_path / "copy.yaml"
    copy.write_text(yaml.safe_dump(spec.model_dump(mode="json")))
    assert load_spec(copy) == spec
    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.model_dump(mode="json", exclude_unset=True).keys() == read_mapping(path).keys()


# --- that each runs --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> DataFolders:
    """The data that examples name, as users would lay them out, in miniature."""
    folder = tmp_path_factory.mktemp("examples")
    made = DataFolders(folder / "datasets", folder / "cache")
    random = np.random.default_rng(0)
    for name, tint in (("rose", (200, 40, 60)), ("sunflower", (230, 190, 30)), ("violet", (120, 60, 190))):
        (made.root / "flowers" / name).mkdir(parents=True)
        for number in range(16):
            pixels = random.integers(0, 50, (40, 36, 3)) + np.array(tint)
            picture = Pillow.fromarray(pixels.clip(0, 255).astype(np.uint8))
            picture.save(made.root / "flowers" / name / f"{number}.png")
    labels = np.arange(96) % 3
    shapes = random.random((96, 16, 16), np.float32) * 0.2 + 0.3 * labels[:, None, None].astype(np.float32)
    np.savez(made.root / "shapes.npz", images=shapes, labels=labels)
    write_hub_data(made.root / "uoft-cs" / "cifar10", random)
    return made


def write_hub_data(path: Path, random: np.random.Generator) -> None:
    """What ``save_to_disk`` leaves of a data set from the hub."""
    colors = random.integers(0, 256, (80, 32, 32, 3), np.uint8)
    columns = {"img": [Pillow.fromarray(each) for each in colors], "label": [index % 4 for index in range(80)]}
    features = Features({"img": Image(), "label": ClassLabel(names=["airplane", "bird", "cat", "deer"])})
    Dataset.from_dict(columns, features=features).save_to_disk(path)


def shortened(spec: JobSpec) -> JobSpec:
    """The same run in ``STEPS`` steps, with its phases and schedules in proportion."""

    def shrink(value: Any) -> Any:
        if isinstance(value, list):
            return [shrink(each) for each in value]
        if not isinstance(value, dict):
            return value
        changed = {key: shrink(each) for key, each in value.items()}
        for key in COUNTED_IN_STEPS:
            if changed.get(key):
                changed[key] = max(FEWEST, round(changed[key] * STEPS / spec.steps))
        if changed.get("pretrain_after"):
            changed["pretrain_steps"] = min(changed["pretrain_steps"], STEPS - changed["pretrain_after"])
        return changed

    return JobSpec.model_validate(shrink(spec.model_dump(mode="json")) | {"steps": STEPS})


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name: str, folders: DataFolders) -> None:
    spec = shortened(EXAMPLES[name])
    events = list(train(spec, load(spec, CPU, folders), device=CPU, folders=folders))

    blocks = [event for event in events if isinstance(event, MetricsBlock)]
    recorded = [step for block in blocks for step in range(block.first_step, block.first_step + len(block.values))]
    assert recorded == list(range(1, STEPS + 1))
    assert {block.names for block in blocks} == {spec.metric_names}
    assert set(spec.metric_names) - set(METRIC_NAMES) == EXTRA_METRICS.get(name, set())
    table = dict(zip(spec.metric_names, rows(events).T, strict=True))
    for metric, values in table.items():
        assert np.isfinite(values).all(), metric
    for penalty in spec.penalties:
        due = np.arange(STEPS) % penalty.interval == 0
        assert (table[penalty.metric_name][due] > 0).all()
        assert (table[penalty.metric_name][~due] == 0).all()

    assert steps_of(events, SampleReady) == [0, STEPS]
    for sample in (event for event in events if isinstance(event, SampleReady)):
        assert np.isfinite(sample.values).all()
        assert (sample.labels is not None) == (spec.conditional is not None)
    assert steps_of(events, Evaluated) == [STEPS] * (spec.evaluate_every is not None)
    for evaluated in (event for event in events if isinstance(event, Evaluated)):
        assert set(evaluated.values) <= set(evaluation_names(spec.dataset.kind, spec.dataset.has_labels))
        assert len(evaluated.values) >= 1
        assert spec.best_metric is None or spec.best_metric in evaluated.values
        # Where no point is good, there are no shares of good points to compare.
        unknown = {"reverse_kl"} if evaluated.values.get("modes_covered") == 0 else set()
        assert {key for key, value in evaluated.values.items() if not np.isfinite(value)} == unknown


@pytest.mark.parametrize("frozen", [False, True])
def test_a_shortened_example_keeps_its_phases(frozen: bool) -> None:
    name = "arjovsky2017_frozen_discriminator" if frozen else "arjovsky2017_frozen_generator"
    judge = shortened(EXAMPLES[name]).discriminator
    assert judge.pretrain_after >= FEWEST
    left = STEPS - judge.pretrain_after - judge.pretrain_steps
    assert left >= FEWEST if frozen else left == 0
