"""What the product remembers of people, as frozen records.

Standard library only; see `db.records`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person may do in the console; each role includes the one before it.

    viewer: look. radiologist: judge results as well. administrator: change what the node does.
    """

    VIEWER = "viewer"
    RADIOLOGIST = "radiologist"
    ADMINISTRATOR = "administrator"

    def includes(self, needed: "Role") -> bool:
        """Whether who has this role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who may log in to the console; after `disabled_at`, no more."""

    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None
    last_login_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson(Person):
    """A person, and how they come in: by a password of the node, by an identity provider (its URL), or by either.

    Who has neither was left to the provider, which has not named them yet.
    """

    has_password: bool
    issuer: str | None
