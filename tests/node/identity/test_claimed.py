"""Who somebody is, and what they may do, by what the identity provider says."""

from typing import Any

import pytest

from db.people_records import Role
from node.identity.claimed import Claimed, Reading
from node.identity.errors import NotKnownError

ROLES = {"cxr-readers": Role.RADIOLOGIST, "cxr-admins": Role.ADMINISTRATOR, "staff": Role.VIEWER}


def read(role_claim: str = "groups", **claims: Any) -> Claimed:
    """A person of claims."""
    reading = Reading(name_claim="preferred_username", role_claim=role_claim, roles=ROLES)
    return reading.of({"iss": "https://login", "sub": "7f3c", "preferred_username": "Anna"} | claims)


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("groups", {"groups": ["staff", "cxr-admins", "cxr-readers", 7, None]}),
        ("groups", {"groups": "cxr-admins"}),
        ("realm_access.roles", {"realm_access": {"roles": ["cxr-admins"]}}),
        ("https://login.example.org/roles", {"https://login.example.org/roles": ["cxr-admins"]}),
    ],
)
def test_the_highest_role_of_the_groups_counts(claim: str, claims: dict[str, Any]):
    """Wherever the provider puts them; a name is in lower case here."""
    assert read(claim, **claims) == Claimed(
        issuer="https://login", subject="7f3c", name="anna", role=Role.ADMINISTRATOR
    )


@pytest.mark.parametrize("groups", [None, [], "", ["others"], {"cxr-admins": True}, 7, [["cxr-admins"]]])
def test_who_has_no_role_here_is_refused(groups: Any):
    """With a sentence that says whom to ask."""
    with pytest.raises(NotKnownError, match="Your account has no role here"):
        read(groups=groups)


@pytest.mark.parametrize("name", [None, "", "a b", "ä", "x" * 65, ["anna"], "<script>"])
def test_a_name_that_cannot_be_one_here_is_refused(name: Any):
    """It would stand in the audit log."""
    with pytest.raises(NotKnownError, match="no name that this node can use"):
        read(groups="staff", preferred_username=name)
