"""What every typed answer of the API is."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from ganjobs.rows import NOT_FINITE


def _number(value: Any) -> Any:
    """NaN and infinity travel as strings."""
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value


Number = Annotated[float | None, BeforeValidator(_number)]
Numbers = dict[str, Number]


class Answer(BaseModel):
    """Base of what the API answers with. Fields that a newer service adds are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, arbitrary_types_allowed=True)
