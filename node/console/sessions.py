"""Logging in and out: the rules, whatever the pages look like."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from db import audit, identities, logins, people, sessions
from db.engine import Connection, Database
from db.people_records import Person
from db.sessions import SEEN_STEP, Lifetime
from node.errors import NodeError
from node.identity import passwords
from node.identity.claimed import Claimed
from node.identity.errors import NotKnownError

log = logging.getLogger(__name__)


class LoginRefusedError(NodeError):
    """Name and password do not belong together; which of the two is wrong is not said."""


class TooManyAttemptsError(NodeError):
    """Too many passwords were tried, for this name or from this address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Who is logged in. A token is 256 random bits, made at each login and never taken from a browser."""

    database: Database
    lifetime: Lifetime
    now: Callable[[], datetime]

    def anybody(self) -> bool:
        """Whether there is someone who may log in."""
        with self.database.read() as connection:
            return people.enabled_count(connection) > 0

    def person_of(self, token: str, *, keep: bool) -> Person | None:
        """Who has the token; with `keep` the session lasts longer for it."""
        now = self.now()
        with self.database.read() as connection:
            found = sessions.person_of(connection, token, now, self.lifetime)
        if found is None:
            return None
        person, seen_at = found
        if keep and now - seen_at >= SEEN_STEP:
            with self.database.write() as connection:
                sessions.seen(connection, token, now)
        return person

    def log_in(self, name: str, password: str, address: str) -> str:
        """Let a person in. Returns the token of the new session.

        Raises:
            LoginRefusedError: there is no such person with this password.
            TooManyAttemptsError: the password was not even looked at.
        """
        kept = self._proven(name, password, address, "login.refuse")
        with self.database.write() as connection:
            if people.password_hash(connection, name) != kept:
                raise LoginRefusedError  # changed or disabled meanwhile
            person = people.logged_in(connection, name, self.now())
            self._note(connection, name, "login", address)
            return self._begin(connection, person)

    def change_password(self, person: Person, old: str, new: str, address: str) -> str:
        """Give a person another password; they are logged out everywhere else. Returns the token of a new session.

        Raises:
            LoginRefusedError: the old password is another.
            TooManyAttemptsError: the old password was not even looked at.
            node.errors.SettingsError: the new password is soon guessed.
        """
        kept = self._proven(person.name, old, address, "password.refuse")
        passwords.require_good(new, person.name)
        password_hash = passwords.hashed(new)
        with self.database.write() as connection:
            if people.password_hash(connection, person.name) != kept:
                raise LoginRefusedError
            people.set_password(connection, person.name, password_hash)
            self._note(connection, person.name, "user.password", person.name)
            return self._begin(connection, person)

    def has_password(self, person: Person) -> bool:
        """Whether a password of the node lets the person in."""
        with self.database.read() as connection:
            return people.password_hash(connection, person.name) != people.NO_PASSWORD

    def require_patience(self, state: str, address: str) -> None:
        """Count somebody who comes from the identity provider, with the state of their attempt.

        Raises:
            TooManyAttemptsError: too many came from this address and were not let in.
        """
        with self.database.write() as connection:
            allowed = logins.attempt(connection, _attempt(state), address, self.now())
        if not allowed:
            log.warning("too many logins", extra={"fields": {"address": address}})
            raise TooManyAttemptsError

    def pardon(self, state: str) -> None:
        """Count an attempt no more: it was not this person's fault, and passwords are for just such an hour."""
        with self.database.write() as connection:
            logins.succeeded(connection, _attempt(state))

    def come_in(self, claimed: Claimed, id_token: str, state: str, address: str) -> str:
        """Let a person in whom the identity provider knows, in the role that it says. Returns a new session's token.

        Args:
            id_token: what the provider is told when they log out.

        Raises:
            NotKnownError: their name is another's here, or they are disabled.
        """
        with self.database.write() as connection:
            person = identities.find(connection, claimed.issuer, claimed.subject) or self._bound(connection, claimed)
            if person.disabled_at is not None:
                raise NotKnownError("disabled", "You may not log in here any more. Ask an administrator of the node.")
            if person.role != claimed.role:
                people.set_role(connection, person.name, claimed.role)
                self._note(connection, person.name, "user.role", person.name, by="provider", role=claimed.role)
            person = people.logged_in(connection, person.name, self.now())
            self._note(connection, person.name, "login", address, by="provider")
            logins.succeeded(connection, _attempt(state))
            return self._begin(connection, person, id_token)

    def refused(self, address: str, reason: str) -> None:
        """Note that somebody came from the identity provider and was not let in."""
        with self.database.write() as connection:
            self._note(connection, "unknown", "login.refuse", address, by="provider", reason=reason)

    def _bound(self, connection: Connection, claimed: Claimed) -> Person:
        """The person whom the provider means for the first time: a new one, or one who was left to it."""
        new = people.add(
            connection, name=claimed.name, password_hash=people.NO_PASSWORD, role=claimed.role, now=self.now()
        )
        person = people.find(connection, claimed.name)
        if person is None or not (new or self._was_left(connection, person)):
            raise NotKnownError(
                "taken",
                f"There is another {claimed.name} here. An administrator can leave that user to the identity provider.",
            )
        identities.bind(connection, claimed.issuer, claimed.subject, person.id)
        if new:
            self._note(connection, person.name, "user.add", person.name, by="provider", role=claimed.role)
        return person

    def _was_left(self, connection: Connection, person: Person) -> bool:
        kept = people.password_hash(connection, person.name)
        return kept == people.NO_PASSWORD and not identities.is_bound(connection, person.id)

    def log_out(self, person: Person, token: str, address: str) -> str | None:
        """End a session. Returns the ID token of the identity provider that let the person in, if one did."""
        with self.database.write() as connection:
            self._note(connection, person.name, "logout", address)
            return sessions.end(connection, token)

    def _proven(self, name: str, password: str, address: str, refusal: str) -> str:
        """The kept hash that the password belongs to."""
        with self.database.write() as connection:
            allowed = logins.attempt(connection, name, address, self.now())
            kept = people.password_hash(connection, name)
        if not allowed:
            log.warning("too many logins", extra={"fields": {"address": address}})
            raise TooManyAttemptsError
        if not passwords.matches(password, kept) or kept is None:
            with self.database.write() as connection:
                # What was typed as a name may be a password: only a known name is written down.
                self._note(connection, "unknown" if kept is None else name, refusal, address)
            raise LoginRefusedError
        return kept

    def _begin(self, connection: Connection, person: Person, id_token: str | None = None) -> str:
        token = secrets.token_urlsafe(32)
        logins.succeeded(connection, person.name)
        sessions.begin(connection, token, person.id, self.now(), self.lifetime, id_token=id_token)
        return token

    def _note(self, connection: Connection, actor: str, action: str, subject: str, **detail: str) -> None:
        audit.append(connection, actor=actor, action=action, subject=subject, now=self.now(), detail=detail)


def _attempt(state: str) -> str:
    """What counts an attempt by the identity provider, beside the names that are typed."""
    return f"state {state}"
