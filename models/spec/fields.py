"""What the fields of a spec are made of: text that can be stored, strict numbers, units, and the base of all parts."""

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

NOT_STORABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _storable(text: str) -> str:
    """Refuse what a database column or a log line cannot hold or a reader cannot see: control characters, formats such
    as a change of writing direction, separators of lines, what stands for no character, and nothing but white space."""
    for character in text:
        if unicodedata.category(character) in NOT_STORABLE:
            message = "must not contain control characters or invisible ones, as U+{code_point} is"
            raise PydanticCustomError("control_character", message, {"code_point": f"{ord(character):04X}"})
    if text.isspace():
        raise PydanticCustomError("blank", "must hold more than white space")
    return text


Storable = AfterValidator(_storable)
Name = Annotated[str, StringConstraints(min_length=1, max_length=64), Storable]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64), Storable]
MetadataValue = Annotated[str, StringConstraints(max_length=512), Storable]
# Strict: `"12"`, `12.0` and `true` are no integers. (A whole spec cannot be strict: JSON has no tuples.)
Integer = Annotated[int, Strict()]
Real = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
HiddenWidth = Annotated[Integer, Field(ge=1, le=4096)]
Beta = Annotated[Real, Field(ge=0, lt=1)]


def _kind_example(schema: dict[str, Any]) -> None:
    schema["examples"] = [schema["const"]]


Kind = Field(description="Which kind this part is of; its other fields depend on it.", json_schema_extra=_kind_example)


def unit(name: str) -> dict[str, Any]:
    """The unit of a quantity, carried into the JSON Schema."""
    return {"unit": name}


def conflict(field: str, message: str, **context: Any) -> PydanticCustomError:
    """An error between fields, laid at the door of one of them (dotted path)."""
    return PydanticCustomError("conflict", message, {"field": field, **context})


class Part(BaseModel):
    """Base of the spec and all its parts: frozen, nothing unknown, no NaN or infinity, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
