"""How errors are put: fields as the user wrote them, with the limit that was passed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from api.errors import TITLES, Problem, invalid, problem_response
from api.examples import problem as example_of
from api.schemas import Problem as ProblemSchema
from api.validation import MAX_TEXT, FieldError, describe, described
from models.spec import EXAMPLE, JobSpec


def errors_of(spec: Any) -> list[FieldError]:
    """What the API says of a body."""
    with pytest.raises(ValidationError) as caught:
        JobSpec.model_validate(spec)
    return described([{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()])


@pytest.mark.parametrize(
    ("change", "field", "limit"),
    [
        ({"generator": {"kind": "dcgan", "latent_dim": 5000}}, "generator.latent_dim", 4096),
        # Named as a tag is, and after it.
        ({"generator": {"kind": "dcgan", "dcgan": 1}}, "generator.dcgan", None),
        ({"generator": {"kind": "mlp", "hidden_sizes": [8, "x"]}}, "generator.hidden_sizes.1", None),
        ({"loss": {"kind": "?"}}, "loss.kind", ["non_saturating", "saturating"]),
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
    (error,) = errors_of(EXAMPLE | {"loss": {"kind": "x" * 10_000}})
    assert len(error["message"]) == MAX_TEXT


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*EXAMPLE, "kind"]) | st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(EXAMPLE)), json_values))
def test_any_error_of_a_spec_can_be_told(change: dict[str, Any]) -> None:
    found: list[Any] = []
    try:
        JobSpec.model_validate(EXAMPLE | change)
    except ValidationError as error:
        found = error.errors()
    told = described([{**error, "loc": ("body", *error["loc"])} for error in found])
    assert len(told) == len(found)
    assert json.loads(json.dumps(told)) == told
    assert {each["field"].split(".")[0] for each in told} <= set(JobSpec.model_fields)


def test_the_count_of_further_errors_is_told() -> None:
    one: FieldError = {"field": "steps", "in": "body", "message": "is wrong", "code": "wrong"}
    assert describe([one]) == "steps: is wrong"
    assert describe([one, one, one]) == "steps: is wrong (and 2 more)"


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


@pytest.mark.parametrize("kind", set(TITLES) - {"not_found", "method_not_allowed"})
def test_every_kind_has_an_example(kind: str) -> None:
    assert example_of(kind)["status"] == TITLES[kind][0]


def test_a_problem_of_a_library_is_one_too() -> None:
    response = problem_response({"path": "/\ud800é"}, HTTPException(418, "\ud800"))
    body = json.loads(bytes(response.body))
    assert (body["type"], body["title"], body["instance"]) == ("about:blank", "I'm a Teapot", "/%3F%C3%A9")


def test_one_wrong_parameter() -> None:
    problem = invalid("after", "query", "is unknown", "unknown", 3)
    assert (problem.status_code, problem.detail) == (422, "after: is unknown")
    assert problem.errors == [{"field": "after", "in": "query", "message": "is unknown", "code": "unknown", "limit": 3}]
