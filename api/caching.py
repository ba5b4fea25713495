"""Entity tags (RFC 9110): what has not changed is not sent again."""

from starlette.requests import Request

NO_CACHE = "private, no-cache"


def quoted(tag: str) -> str:
    return f'"{tag}"'


def is_current(request: Request, etag: str) -> bool:
    """Whether the client says, in If-None-Match, that it holds what ``etag`` (in quotes) stands for."""
    given = ",".join(request.headers.getlist("if-none-match"))
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return "*" in tags or etag in tags
