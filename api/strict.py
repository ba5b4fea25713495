"""Routes that refuse what FastAPI would pass over: unknown query parameters, bodies that are not JSON in UTF-8."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from email.message import Message
from typing import Any, get_origin

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from api.errors import Problem, invalid
from api.validation import FieldError, describe

METADATA_PARAMETER = re.compile(r"metadata\[(.*)\]", re.DOTALL)


class StrictRequest(Request):
    """A request whose JSON is RFC 8259's: UTF-8, no lone surrogates, at most 200 levels deep, and no key twice in one
    object. NaN and Infinity pass, for the field that holds one to be named where it is validated."""

    async def json(self) -> Any:
        """Raises ``Problem`` where the body is anything else (400), or repeats a key (422)."""
        body = await self.body()
        try:
            value = from_json(body, allow_inf_nan=True)
        except ValueError as error:
            raise Problem("malformed_body", f"The body is not JSON in UTF-8 (RFC 8259): {error}.") from error
        # Once more for the keys alone, of which that parser keeps the last: digits need not become numbers.
        json.loads(body, object_pairs_hook=_check_keys, parse_int=str, parse_float=str)
        return value


def _check_keys(members: list[tuple[str, Any]]) -> None:
    """Raises ``Problem`` (422) for a key that an object holds twice."""
    if len(dict(members)) < len(members):
        repeated = Counter(name for name, _ in members).most_common(1)[0][0]
        raise invalid(repeated[:100], "body", "is given more than once", "repeated")


class StrictRoute(APIRoute):
    """A route that checks a request's form before anything looks at its content."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        fields = [field for field in get_flat_params(self.dependant) if isinstance(field.field_info, Query)]
        known = {field.alias for field in fields}
        repeatable = {field.alias for field in fields if get_origin(field.field_info.annotation) is list}
        filters = any(parameter["name"] == "metadata" for parameter in (self.openapi_extra or {}).get("parameters", ()))
        takes_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            _check_query(request, known, repeatable, filters)
            request = StrictRequest(request.scope, request.receive)
            if takes_body and await request.body():
                _check_content_type(request)
            return await handle(request)

        return strict


def _check_query(request: Request, known: Collection[str], repeatable: Collection[str], filters: bool) -> None:
    """Raises ``Problem`` (422) for a parameter that is unknown or given twice."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        shown = name[:100]
        if name not in known and not (filters and METADATA_PARAMETER.fullmatch(name)):
            message = "is not a parameter of this operation"
            errors.append(
                {"field": shown, "in": "query", "message": message, "code": "unknown", "limit": sorted(known)}
            )
        elif name in seen and name not in repeatable:
            errors.append({"field": shown, "in": "query", "message": "is given more than once", "code": "repeated"})
        seen.add(name)
    if errors:
        raise Problem("invalid_request", describe(errors), errors)


def _check_content_type(request: Request) -> None:
    """Raises ``Problem`` (415) unless the body is declared as JSON."""
    given = request.headers.getlist("content-type")
    message = Message()
    message["content-type"] = given[0] if len(given) == 1 else ""
    charset = str(message.get_param("charset", "utf-8")).lower()
    if message.get_content_type() != "application/json" or charset not in ("utf-8", "utf8"):
        shown = ", ".join(given)[:100] or "none"
        raise Problem("unsupported_media_type", f"Content-Type must be application/json in UTF-8; it is: {shown}.")
