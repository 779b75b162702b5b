"""Statements of a path that every instance takes: compiled once, then run by the driver itself.

SQLAlchemy spends six times as long around such a statement as SQLite needs to run it, and holds the interpreter's lock
meanwhile. These are SQLAlchemy's statements and types still, in its transactions; only what it does around each call is
left out. So rows come as the driver gives them: ask for text and numbers only.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]
Form = tuple[str, list[tuple[str, Convert | None]], bool]
"""SQL, its parameters in order, each with what the driver needs done to it, and whether they go by place."""


class Prepared:
    """A statement whose parameters have names.

    Args:
        statement: makes it, of a dialect's name.
    """

    def __init__(self, statement: Callable[[str], ClauseElement]) -> None:
        self._statement = statement
        self._forms: dict[str, Form] = {}

    def __call__(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Run it in the connection's transaction with those of `values` that it names. Returns its rows, if it has any.

        Raises:
            sqlalchemy.exc.DBAPIError: as SQLAlchemy would raise it.
        """
        dialect = connection.dialect
        sql, parameters, by_place = self._forms.get(dialect.name) or self._compile(dialect)
        given = {name: convert(values[name]) if convert else values[name] for name, convert in parameters}
        cursor = connection.connection.cursor()
        try:
            values_given = tuple(given[name] for name, _ in parameters) if by_place else given
            dialect.do_execute(cursor, sql, values_given)
            return list(cursor.fetchall()) if cursor.description else []
        except dialect.loaded_dbapi.Error as error:
            base = dialect.loaded_dbapi.Error
            raise DBAPIError.instance(sql, None, error, base, hide_parameters=True, dialect=dialect) from error
        finally:
            cursor.close()

    def _compile(self, dialect: Dialect) -> Form:
        compiled = cast(SQLCompiler, self._statement(dialect.name).compile(dialect=dialect))
        names = (compiled.positiontup or ()) if compiled.positional else compiled.binds
        types = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        parameters: list[tuple[str, Convert | None]] = [(name, types[name].bind_processor(dialect)) for name in names]
        return self._forms.setdefault(dialect.name, (compiled.string, parameters, compiled.positional))
