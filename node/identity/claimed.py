"""Who a person is, and what they may do here, by what the identity provider says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from db.people import NAME
from db.people_records import Role
from node.identity.errors import NotKnownError

MOST_SUBJECT = 255
"""Characters of a subject (OpenID Connect Core 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What the provider says of a person; by `id_token` it knows again later which login that was."""

    claims: Mapping[str, Any]
    id_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A person as the provider names them: `subject` is theirs for ever, `name` may change."""

    issuer: str
    subject: str
    name: str
    role: Role


def claim_at(claims: Mapping[str, Any], name: str) -> object:
    """A claim by its name, or by the way to it: `realm_access.roles`."""
    if name in claims:
        return claims[name]
    first, _, rest = name.partition(".")
    within = claims.get(first)
    return claim_at(within, rest) if rest and isinstance(within, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How claims are read: which one names a person, which one has their groups, and what each group may."""

    name_claim: str
    role_claim: str
    roles: Mapping[str, Role]

    def of(self, claims: Mapping[str, Any]) -> Claimed:
        """The person of verified claims.

        Raises:
            NotKnownError: they have no name or no role here.
        """
        name, subject = claim_at(claims, self.name_claim), claims["sub"]
        if not isinstance(name, str) or not NAME.fullmatch(name.strip().lower()) or len(subject) > MOST_SUBJECT:
            raise NotKnownError("name", "The identity provider gives you no name that this node can use.")
        groups = claim_at(claims, self.role_claim)
        held = {self.roles[each] for each in _texts(groups) if each in self.roles}
        if not held:
            raise NotKnownError("role", "Your account has no role here. Ask for one of the groups that have.")
        highest = max(held, key=list(Role).index)
        return Claimed(issuer=claims["iss"], subject=subject, name=name.strip().lower(), role=highest)


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]
