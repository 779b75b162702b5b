"""Tokens for programs: made, shown once, and looked at when one is brought back."""

import logging
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from db import audit, logins, people, tokens
from db.engine import Database
from db.errors import UnknownPersonError
from db.people_records import Person
from db.tokens import USED_STEP, Scope, Token
from node.errors import NodeError, SettingsError

log = logging.getLogger(__name__)

PREFIX = "cxr_"
"""By which people, and programs that look for secrets, know one."""
LONGEST_NAME = 64
LONGEST_DAYS = 3650


class TokenRefusedError(NodeError):
    """Nobody has this token, or it has ended."""


class TooManyTokensError(NodeError):
    """Too many wrong tokens came from this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of a node."""

    database: Database
    now: Callable[[], datetime]

    def create(self, owner: str, name: str, scopes: Collection[Scope], *, days: int | None, by: str) -> tuple[int, str]:
        """Make a token for a person. Returns its id and the token, which is kept nowhere.

        Args:
            owner: the name of the person for whom it acts.
            name: what it is for.
            scopes: what it may do.
            days: how long it lasts; None is for ever.
            by: who makes it, for the audit log.

        Raises:
            SettingsError: it cannot be made so; the text says why.
            db.errors.UnknownPersonError: there is no such person.
        """
        name, now = name.strip(), self.now()
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise SettingsError(f"give the token a name of 1 to {LONGEST_NAME} characters, such as what will use it")
        if not scopes:
            raise SettingsError(f"give the token a scope: {', '.join(Scope)}")
        if days is not None and not 0 < days <= LONGEST_DAYS:
            raise SettingsError(f"a token lasts 1 to {LONGEST_DAYS} days")
        token = PREFIX + secrets.token_urlsafe(32)
        with self.database.write() as connection:
            person = people.find(connection, owner)
            if person is None or person.disabled_at is not None:
                raise UnknownPersonError(owner)
            _require_allowed(person, scopes)
            token_id = tokens.add(
                connection,
                token,
                name=name,
                person_id=person.id,
                scopes=scopes,
                expires_at=None if days is None else now + timedelta(days=days),
                now=now,
            )
            detail = {"name": name, "owner": owner, "scopes": sorted(scopes), "days": days}
            audit.append(
                connection, actor=by, action="token.create", subject=f"token {token_id}", now=now, detail=detail
            )
        return token_id, token

    def revoke(self, token_id: int, *, by: str, owner: str | None = None) -> bool:
        """End a token, of a certain owner if one is given. Returns whether there was one to end."""
        with self.database.write() as connection:
            ended = tokens.revoke(connection, token_id, self.now(), owner)
            if ended:
                audit.append(connection, actor=by, action="token.revoke", subject=f"token {token_id}", now=self.now())
        return ended

    def holder(self, token: str, address: str) -> tuple[Token, Person]:
        """Who brings a token.

        A right one is let through whatever else comes from its address: 256 random bits are not guessed. Wrong ones
        are counted with the passwords that were tried, so that neither the audit log nor the database is flooded.

        Raises:
            TokenRefusedError: there is none, or it has ended, or its owner may not log in.
            TooManyTokensError: and too many such came.
        """
        now = self.now()
        with self.database.read() as connection:
            found = tokens.holder(connection, token, now)
        if found is None:
            self._refuse(token, address, now)
        kept, _ = found
        if kept.last_used_at is None or now - kept.last_used_at >= USED_STEP:
            with self.database.write() as connection:
                tokens.used(connection, kept.id, now)
        return found

    def _refuse(self, token: str, address: str, now: datetime) -> NoReturn:
        with self.database.write() as connection:
            noted = logins.attempt(connection, token, address, now)
            if noted:
                audit.append(connection, actor="unknown", action="token.refuse", subject=address, now=now)
        if noted:
            raise TokenRefusedError("this token is not known here, or has ended")
        log.warning("too many tokens", extra={"fields": {"address": address}})
        raise TooManyTokensError("too many wrong tokens came from here; wait a quarter of an hour")


def _require_allowed(person: Person, scopes: Collection[Scope]) -> None:
    """Refuse a scope that its owner's role does not open.

    Raises:
        SettingsError: there is one.
    """
    for scope in scopes:
        if not person.role.includes(scope.role):
            raise SettingsError(f"{person.name} is {person.role}; the scope {scope} takes the role {scope.role}")
