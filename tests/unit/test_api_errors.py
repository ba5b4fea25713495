"""How errors are put: fields as the user wrote them, with the limit that was passed."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from api.errors import TITLES, Problem, about, invalid, problem_response
from api.problem_examples import problem as example_of
from api.schemas import Problem as ProblemSchema
from api.validation import MAX_TEXT, FieldError, describe, described
from models.catalogue import LOSSES
from models.spec import EXAMPLE, Dcgan, JobSpec
from models.validation import one_line, true_errors

UNIT = [[1, 0], [0, 1]]
SCHEDULES = ["constant", "linear", "cosine", "exponential"]
POLICIES = ["color", "translation", "cutout"]
AUGMENTATION = ["kind", "policies", "adaptive"]
RAW_WORDS = re.compile("Input should|using discriminator|tuple|Tuple|dictionary|Dictionary|permitted|required")


def errors_of(spec: Any) -> list[FieldError]:
    """What the API says of a body."""
    with pytest.raises(ValidationError) as caught:
        JobSpec.model_validate(spec)
    return told(caught.value)


def told(error: ValidationError) -> list[FieldError]:
    return described([{**each, "loc": ("body", *each["loc"])} for each in true_errors(error.errors())])


@pytest.mark.parametrize(
    ("change", "field", "limit"),
    [
        ({"generator": {"kind": "dcgan", "latent_dim": 5000}}, "generator.latent_dim", 4096),
        # Named as a tag is, and after it.
        ({"generator": {"kind": "dcgan", "dcgan": 1}}, "generator.dcgan", [*Dcgan.model_fields, "latent_dim"]),
        ({"generator": {"kind": "mlp", "hidden_sizes": [8, "x"]}}, "generator.hidden_sizes.1", None),
        ({"loss": {"kind": "?"}}, "loss.kind", list(LOSSES)),
        # A union in a list, one that may be null, and a part that may be null.
        ({"regularizers": [{"kind": "r1", "weight": 0}]}, "regularizers.0.weight", 0),
        ({"regularizers": [{"kind": "r1", "r1": 1}]}, "regularizers.0.r1", ["weight", "schedule", "interval", "kind"]),
        ({"regularizers": [{"kind": "r2", "schedule": {"kind": "step"}}]}, "regularizers.0.schedule.kind", SCHEDULES),
        ({"regularizers": [{"kind": "gradient_penalty", "center": 2}]}, "regularizers.0.center", [0, 1]),
        ({"conditional": {"kind": "acgan", "weight": -1}}, "conditional.weight", 0),
        ({"conditional": {"kind": "acgan", "acgan": 1}}, "conditional.acgan", ["kind", "weight"]),
        ({"augmentation": {"kind": "diffaugment", "policies": ["blur"]}}, "augmentation.policies.0", POLICIES),
        ({"augmentation": {"kind": "diffaugment", "diffaugment": 1}}, "augmentation.diffaugment", AUGMENTATION),
        ({"augmentation": {"kind": "diffaugment", "adaptive": {"target": 1}}}, "augmentation.adaptive.target", 1),
        ({"dataset": {"kind": "npz", "path": "x", "side": 9}}, "dataset.side", [8, 16, 32, 64, 128, 256]),
        ({"dataset": {"kind": "mixture", "means": [[0, 1e7]], "covariances": [UNIT]}}, "dataset.means.0.1", 1e6),
        ({"fake_batch": "?"}, "fake_batch", ["fresh", "reused"]),
        ({"metadata": {"x" * 65: "1"}}, f"metadata.{'x' * 65}", 64),
        ({"batch_size": 5000}, "batch_size", 1797),
        ({"ema_decay": 0}, "ema_decay", 0),
    ],
)
def test_a_field_is_named_without_marks_of_the_library(change: dict[str, Any], field: str, limit: Any) -> None:
    (error,) = errors_of(EXAMPLE | change)
    assert (error["in"], error["field"], error.get("limit")) == ("body", field, limit)


def test_long_texts_are_cut() -> None:
    (error,) = errors_of(EXAMPLE | {"x" * 10_000: 1})
    assert len(error["field"]) == MAX_TEXT
    wrong = {"type": "enum", "loc": ("query", "status", 0), "input": "x," * 10_000, "ctx": {"expected": "'a' or 'b'"}}
    assert len(described([wrong])[0]["message"]) == MAX_TEXT


SCHEMA = JobSpec.model_json_schema()
PARTS = [SCHEMA, *SCHEMA["$defs"].values()]
FIELDS = sorted({name for part in PARTS for name in part["properties"]})
KINDS = sorted({part["properties"]["kind"]["const"] for part in PARTS if "kind" in part["properties"]})
numbers = st.integers() | st.floats(allow_nan=False) | st.sampled_from([0, 1, 0.5, 2])
kinds = st.fixed_dictionaries({"kind": st.sampled_from(KINDS)})
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.sampled_from(KINDS) | st.text(max_size=5) | kinds,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner, max_size=4)
        | st.builds(dict.__or__, st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3), kinds)
    ),
    max_leaves=12,
)


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from(list(JobSpec.model_fields)), json_values, max_size=4))
def test_any_error_of_a_spec_can_be_told(change: dict[str, Any]) -> None:
    try:
        JobSpec.model_validate(EXAMPLE | change)
    except ValidationError as error:
        said, line = told(error), one_line(error)
        assert said
        assert json.loads(json.dumps(said)) == said
        assert {each["field"].split(".")[0] for each in said} <= set(JobSpec.model_fields)
        assert not [each for each in said if RAW_WORDS.search(each["message"])]
        assert line.isprintable()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"generator": {}}, "generator.kind: `kind` is missing: one of mlp, dcgan, resnet, r3gan"),
        ({"generator": {"kind": "gan"}}, "generator.kind: must be one of mlp, dcgan, resnet, r3gan"),
        ({"loss": "saturating"}, 'loss: must be an object such as {"kind": "saturating"}'),
        ({"dataset": 3}, 'dataset: must be an object such as {"kind": "digits"}'),
        ({"metadata": "thesis"}, "metadata: must be an object"),
        ({"metadata": {str(key): "" for key in range(17)}}, "metadata: must have at most 16 entries"),
        ({"metadata": {"": "1"}}, 'metadata."": the key must have at least 1 character'),
        ({"name": ""}, "name: must have at least 1 character"),
        ({"name": "x" * 65}, "name: must have at most 64 characters"),
        ({"step": 1}, "step: there is no such field; did you mean `steps`?"),
        ({"qqq": 1}, "qqq: there is no such field"),
        (
            {"generator": {"kind": "mlp", "hidden_size": [1]}},
            "generator.hidden_size: there is no such field; did you mean `hidden_sizes`?",
        ),
        ({"generator": {"kind": "mlp", "hidden_sizes": [0]}}, "generator.hidden_sizes.0: must be at least 1"),
        ({"generator": {"kind": "mlp", "hidden_sizes": []}}, "generator.hidden_sizes: must have at least 1 entry"),
        ({"generator": {"kind": "mlp", "hidden_sizes": 8}}, "generator.hidden_sizes: must be a list"),
        (
            {"generator": {"kind": "mlp", "optimizer": "sgd"}},
            'generator.optimizer: must be an object such as {"kind": "sgd"}',
        ),
        (
            {"generator": {"kind": "mlp", "optimizer": {"kind": "lion"}}},
            "generator.optimizer.kind: must be one of adam, adamw, rmsprop, sgd",
        ),
        ({"generator": {"kind": "mlp", "spectral_norm": "perhaps"}}, "generator.spectral_norm: must be true or false"),
        ({"regularizers": [{}]}, "regularizers.0.kind: `kind` is missing: one of r1, r2, gradient_penalty"),
        ({"regularizers": ["r2"]}, 'regularizers.0: must be an object such as {"kind": "r2"}'),
        ({"regularizers": {"kind": "r1"}}, "regularizers: must be a list"),
        ({"conditional": {}}, "conditional.kind: `kind` is missing: one of acgan, projection"),
        ({"conditional": "projection"}, 'conditional: must be an object such as {"kind": "projection"}'),
        ({"augmentation": True}, 'augmentation: must be an object such as {"kind": "diffaugment"}'),
        (
            {"augmentation": {"kind": "diffaugment", "adaptive": {"tarjet": 1}}},
            "augmentation.adaptive.tarjet: there is no such field; did you mean `target`?",
        ),
        ({"dataset": {"kind": "npz", "path": "x", "side": 9}}, "dataset.side: must be one of 8, 16, 32, 64, 128, 256"),
        ({"fake_batch": 1}, "fake_batch: must be one of fresh, reused"),
        ({"steps": 1.5}, "steps: must be a whole number"),
        ({"seed": -1}, "seed: must be at least 0"),
        ({"ema_decay": 1}, "ema_decay: must be less than 1.0"),
        ({"ema_decay": float("nan")}, "ema_decay: must be a finite number"),
    ],
)
def test_http_and_the_command_line_say_the_same(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        JobSpec.model_validate(EXAMPLE | change)
    (error,) = told(caught.value)
    line = one_line(caught.value)
    assert f"{error['field']}: {error['message']}" == line
    assert line == said


def test_the_count_of_further_errors_is_told() -> None:
    one: FieldError = {"field": "steps", "in": "body", "message": "is wrong", "code": "wrong"}
    assert describe([one]) == "steps: is wrong"
    assert describe([one, one, one]) == "steps: is wrong (and 2 more)"
    assert describe([one], 7) == "steps: is wrong (and 6 more)"


@pytest.mark.parametrize("kind", TITLES)
def test_every_kind_makes_the_problem_that_is_documented(kind: str) -> None:
    scope = {"path": "/v1/jobs/x", "raw_path": b"/v1/jobs/%00"}
    response = problem_response(scope, Problem(kind, "what happened"))
    body = json.loads(bytes(response.body))
    status, title = TITLES[kind]
    assert response.status_code == body["status"] == status
    assert (body["title"], body["detail"], body["instance"]) == (title, "what happened", "/v1/jobs/%00")
    assert response.media_type == "application/problem+json"
    TypeAdapter(ProblemSchema).validate_python(body)


@pytest.mark.parametrize("kind", sorted(set(TITLES) - {"not_found", "method_not_allowed"}))
def test_every_kind_has_an_example(kind: str) -> None:
    assert example_of(kind)["status"] == TITLES[kind][0]


def test_a_problem_of_a_library_is_one_too() -> None:
    response = problem_response({"path": "/\ud800é"}, HTTPException(418, "\ud800"))
    body = json.loads(bytes(response.body))
    assert (body["type"], body["title"], body["instance"]) == ("about:blank", "I'm a Teapot", "/%3F%C3%A9")


def test_a_problem_with_one_part_of_a_request() -> None:
    problem = about("step", "path", "sample_not_found", "there is none", 3, {"X": "y"})
    assert (problem.status_code, problem.detail, problem.headers) == (404, "There is none.", {"X": "y"})
    (error,) = problem.errors
    assert error == {
        "field": "step",
        "in": "path",
        "message": "there is none",
        "code": "sample_not_found",
        "limit": 3,
    }


def test_one_wrong_parameter() -> None:
    problem = invalid("after", "query", "is unknown", "unknown", 3)
    assert (problem.status_code, problem.detail) == (422, "after: is unknown")
    assert problem.errors == [{"field": "after", "in": "query", "message": "is unknown", "code": "unknown", "limit": 3}]
