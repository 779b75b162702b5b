"""A person's tokens as a page: made for a program, shown once, ended."""

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import Response

from db import tokens
from db.tokens import Scope
from node.console.access import Visit
from node.console.frame import Frame
from node.errors import SettingsError
from node.identity.tokens import Tokens

MEANINGS = {
    Scope.READ: "look at studies, results, reports and labels",
    Scope.LABEL: "correct labels",
    Scope.ADMINISTER: "change what the node does, look at the audit log",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPages:
    """The tokens of whoever looks; an administrator sees everybody's."""

    tokens: Tokens
    frame: Frame

    def show(self, visit: Visit) -> Response:
        """The tokens, and the form for a new one."""
        return self._page(visit)

    def create(self, visit: Visit) -> Response:
        """Make one, and show it this once."""
        person, form = visit.somebody, visit.form
        scopes = {scope for scope in Scope if form.get(f"scope_{scope}")}
        try:
            days = _days(form.get("days", "").strip())
            _, token = self.tokens.create(person.name, form.get("name", ""), scopes, days=days, by=person.name)
        except SettingsError as error:
            sentence = str(error)
            return self._page(visit, 400, problem=f"{sentence[:1].upper()}{sentence[1:]}.")
        return self._page(visit, made=token)

    def revoke(self, visit: Visit) -> Response:
        """End one: one's own, or as administrator anybody's.

        Raises:
            HTTPException: there is none to end.
        """
        person, given = visit.somebody, visit.form.get("token", "")
        known = given.isascii() and given.isdecimal() and len(given) < 10
        if not known or not self.tokens.revoke(int(given), by=person.name, owner=self._owner(visit)):
            raise HTTPException(404, "There is no such token of yours, or it has ended.")
        return self._page(visit)

    def _owner(self, visit: Visit) -> str | None:
        """Whose tokens the visit is about; None is everybody's."""
        return None if visit.somebody.role.includes(Scope.ADMINISTER.role) else visit.somebody.name

    def _page(self, visit: Visit, status: int = 200, problem: str | None = None, made: str | None = None) -> Response:
        with self.tokens.database.read() as connection:
            found = tokens.every(connection, self._owner(visit))
        role = visit.somebody.role
        return self.frame.page(
            "tokens.html",
            visit,
            status,
            problem=problem,
            made=made,
            tokens=found,
            now=self.tokens.now(),
            scopes=[(scope, MEANINGS[scope]) for scope in Scope if role.includes(scope.role)],
        )


def _days(given: str) -> int | None:
    """How long a token lasts; None for ever.

    Raises:
        SettingsError: it is no number.
    """
    if given and not (given.isascii() and given.isdecimal()):
        raise SettingsError("give the days as a number, or leave them empty")
    return int(given[:9]) if given else None
