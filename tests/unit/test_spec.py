"""What a spec accepts, what it refuses, and how it says so."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from models.spec import EXAMPLE, JobSpec


def errors_of(**patch: Any) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as caught:
        JobSpec.model_validate(EXAMPLE | patch)
    return [dict(error) for error in caught.value.errors()]


def test_defaults_are_filled_in() -> None:
    spec = JobSpec.model_validate(
        {"dataset": {"kind": "ring"}, "generator": {"kind": "mlp"}, "discriminator": {"kind": "mlp"}, "steps": 10}
    )
    assert spec.loss.kind == "non_saturating"
    assert spec.fake_batch == "fresh"
    assert spec.discriminator_steps == 1
    assert spec.generator.optimizer.betas == (0.5, 0.999)


def test_a_spec_survives_json() -> None:
    spec = JobSpec.model_validate(EXAMPLE)
    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec
    assert JobSpec.model_validate(json.loads(spec.model_dump_json())) == spec


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        JobSpec.model_validate(EXAMPLE).steps = 3


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_image_networks_refuse_points(kind: str) -> None:
    other = "discriminator" if kind == "generator" else "generator"
    (error,) = errors_of(dataset={"kind": "ring"}, **{other: {"kind": "mlp"}})
    assert error["ctx"]["field"] == f"{kind}.kind"
    assert error["ctx"]["limit"] == "mlp"


def test_a_batch_larger_than_the_data_set_is_refused() -> None:
    (error,) = errors_of(batch_size=1798)
    assert error["ctx"]["field"] == "batch_size"
    assert error["ctx"]["limit"] == 1797
    assert JobSpec.model_validate(EXAMPLE | {"batch_size": 1797}).batch_size == 1797


@pytest.mark.parametrize(
    ("patch", "location", "code"),
    [
        ({"surprise": 1}, ("surprise",), "extra_forbidden"),
        ({"steps": 0}, ("steps",), "greater_than_equal"),
        ({"steps": 10_000_001}, ("steps",), "less_than_equal"),
        ({"steps": "12"}, ("steps",), "int_type"),
        ({"steps": True}, ("steps",), "int_type"),
        ({"seed": -1}, ("seed",), "greater_than_equal"),
        ({"seed": 2**63}, ("seed",), "less_than_equal"),
        ({"ema_decay": float("nan")}, ("ema_decay",), "finite_number"),
        ({"ema_decay": 1.0}, ("ema_decay",), "less_than"),
        ({"fake_batch": "stale"}, ("fake_batch",), "literal_error"),
        ({"execution": "fast"}, ("execution",), "literal_error"),
        ({"execution": None}, ("execution",), "literal_error"),
        ({"precision": "float16"}, ("precision",), "literal_error"),
        ({"loss": {"kind": "magic"}}, ("loss",), "union_tag_invalid"),
        ({"name": "a\x00b"}, ("name",), "control_character"),
        ({"name": "\t"}, ("name",), "control_character"),
        ({"name": "abc\u202edef"}, ("name",), "control_character"),
        ({"name": "\u200b"}, ("name",), "control_character"),
        ({"name": "a\ue000"}, ("name",), "control_character"),
        ({"name": "a\u2028b"}, ("name",), "control_character"),
        ({"name": "  \u3000"}, ("name",), "blank"),
        ({"metadata": {" ": "1"}}, ("metadata", " ", "[key]"), "blank"),
        ({"metadata": {"a\u2066": "1"}}, ("metadata", "a\u2066", "[key]"), "control_character"),
        ({"metadata": {"a": "\ufeff"}}, ("metadata", "a"), "control_character"),
        ({"name": "\ud800"}, ("name",), "string_unicode"),
        ({"name": ""}, ("name",), "string_too_short"),
        ({"metadata": {str(i): "v" for i in range(17)}}, ("metadata",), "too_long"),
        ({"metadata": {"key": "v" * 513}}, ("metadata", "key"), "string_too_long"),
        ({"generator": {"kind": "mlp", "hidden_sizes": []}}, ("generator", "mlp", "hidden_sizes"), "too_short"),
    ],
)
def test_a_bad_field_is_named(patch: dict[str, Any], location: tuple[str, ...], code: str) -> None:
    assert [(error["loc"], error["type"]) for error in errors_of(**patch)] == [(location, code)]


@pytest.mark.parametrize("name", ["digits, first try", "Ünïcödé ✓", "数字 1", "e\u0301", "🙂"])
def test_names_are_in_any_script(name: str) -> None:
    assert JobSpec.model_validate(EXAMPLE | {"name": name, "metadata": {name: name, "empty": ""}}).name == name


@pytest.mark.parametrize("field", ["sample_every", "checkpoint_every"])
def test_a_job_cannot_store_files_without_end(field: str) -> None:
    (error,) = errors_of(**{"steps": 1_000_000, "sample_every": 1_000, "checkpoint_every": 1_000, field: 10})
    assert error["ctx"]["field"] == field
    assert error["ctx"]["limit"] == 100


def test_every_field_has_a_description_and_an_example() -> None:
    schema = JobSpec.model_json_schema()
    parts = {"JobSpec": schema, **schema["$defs"]}
    missing = [
        f"{name}.{field}"
        for name, part in parts.items()
        for field, facts in part["properties"].items()
        if not (facts.get("description") and facts.get("examples"))
    ]
    assert missing == []


def test_every_number_is_bounded() -> None:
    schema = JobSpec.model_json_schema()
    unbounded = []
    for name, part in {"JobSpec": schema, **schema["$defs"]}.items():
        for field, facts in part["properties"].items():
            for shape in facts.get("anyOf", [facts]):
                if shape.get("type") in ("integer", "number") and "enum" not in shape:
                    low = "minimum" in shape or "exclusiveMinimum" in shape
                    high = "maximum" in shape or "exclusiveMaximum" in shape
                    if not (low and high):
                        unbounded.append(f"{name}.{field}")
    assert unbounded == []
