"""``--set`` and ``--name``."""

from pathlib import Path

import pytest

from ganjobs.overrides import OverrideError, load_with_overrides
from models.spec import JobSpec

SPEC = """
dataset: {kind: ring}
generator: {kind: mlp, latent_dim: 8}
discriminator: {kind: mlp}
steps: 100
"""


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def test_fields_are_set_at_any_depth(spec_file: Path) -> None:
    overrides = ["generator.optimizer.learning_rate=2e-4", "loss.kind=saturating", "generator.hidden_sizes=[3, 4]"]
    spec = JobSpec.model_validate(load_with_overrides(spec_file, overrides, {"name": "mine"}))
    assert spec.generator.optimizer.learning_rate == 2e-4
    assert spec.loss.kind == "saturating"
    assert spec.generator.kind == "mlp"
    assert spec.generator.hidden_sizes == (3, 4)
    assert (spec.name, spec.steps, spec.generator.latent_dim) == ("mine", 100, 8)


def test_an_override_may_mend_or_complete_a_file(spec_file: Path) -> None:
    spec_file.write_text(SPEC.replace("steps: 100", "steps: none"))
    assert load_with_overrides(spec_file, ["steps=7"], {})["steps"] == 7


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("steps", "write it as FIELD=VALUE"),
        ("=3", "write it as FIELD=VALUE"),
        ("steps.x=3", "steps has no fields"),
        ("steps=0", "steps: .*1"),
        ("generator.latent_dim=5000", "generator.latent_dim: .*4096"),
        ("nosuch=1", "nosuch: "),
    ],
)
def test_bad_overrides_name_field_and_limit_in_one_line(spec_file: Path, override: str, said: str) -> None:
    with pytest.raises(OverrideError, match=said) as caught:
        load_with_overrides(spec_file, [override], {})
    assert "\n" not in str(caught.value)


def test_an_invalid_file_is_refused(spec_file: Path) -> None:
    spec_file.write_text(SPEC.replace("latent_dim: 8", "latent_dim: 0"))
    with pytest.raises(OverrideError, match=r"generator\.latent_dim"):
        load_with_overrides(spec_file, [], {})


def test_without_the_server_s_packages_a_spec_is_left_to_the_api(
    spec_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganjobs.overrides.can_check", lambda: False)
    body = load_with_overrides(spec_file, ["steps=0", "nosuch=1"], {})
    assert (body["steps"], body["nosuch"], "batch_size" in body) == (0, 1, False)
