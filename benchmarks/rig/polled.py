"""The API as it is served, with two routes more: one that returns a constant, and one that counts statements."""

from typing import Any

from fastapi import FastAPI
from sqlalchemy import event

from api.dependencies import Services
from api.main import create_app as create_real_app

CONSTANT = {"constant": "x"}
CONSTANT_PATH = "/constant"
STATEMENTS_PATH = "/statements"


def create_app() -> FastAPI:
    """The application that ``ganjobs serve`` serves, and in front of its routes those of the benchmark."""
    app = create_real_app()
    held: Services = app.state.services
    asked = 0

    def count(*_: Any) -> None:
        nonlocal asked
        asked += 1

    event.listen(held.database.engine, "before_cursor_execute", count)

    async def constant() -> dict[str, str]:
        return CONSTANT

    async def statements() -> dict[str, int]:
        return {"statements": asked}

    before = list(app.router.routes)
    app.get(CONSTANT_PATH, include_in_schema=False)(constant)
    app.get(STATEMENTS_PATH, include_in_schema=False)(statements)
    # First, so that the constant is found before any other route has been looked at.
    added = [route for route in app.router.routes if route not in before]
    app.router.routes[:] = [*added, *before]
    return app
