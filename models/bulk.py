"""Many rows at once, by the fastest way that each database has."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import psycopg
from sqlalchemy import Column, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session


def cells(values: npt.NDArray[Any], kind: str) -> list[bytes]:
    """Each row of ``values`` (rows, numbers) as bytes, its numbers of NumPy's ``kind``."""
    whole = np.ascontiguousarray(values, kind).tobytes()
    size = len(whole) // len(values) if len(values) else 0
    return [whole[row * size : (row + 1) * size] for row in range(len(values))]


def insert(session: Session, table: Table, columns: Sequence[Column[Any]], rows: Iterable[Sequence[Any]]) -> None:
    """Add ``rows``, each a value per column, in the session's transaction: COPY on PostgreSQL, one prepared statement
    on SQLite.

    Raises:
        sqlalchemy.exc.DBAPIError: as any insertion would; a key that is there already is an ``IntegrityError``.
    """
    connection = session.connection()
    names = ", ".join(column.name for column in columns)
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(columns))
        given = [tuple(row) for row in rows]
        if given:
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({places})", given)
        return
    statement = f"COPY {table.name} ({names}) FROM STDIN (FORMAT BINARY)"
    types = [column.type.compile(connection.dialect).lower() for column in columns]
    try:
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except psycopg.Error as error:  # callers know one kind of database error
        wrapped = DBAPIError.instance(statement, None, error, psycopg.Error, dialect=connection.dialect)
        raise wrapped from error
