"""What an identity provider says of a person, over real HTTP: what is believed, and what is not."""

import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from node.identity.answers import Answers
from node.identity.attempt import Attempts
from node.identity.errors import NotTrustedError, ProviderDownError
from node.identity.provider import Client, Provider
from tests.node.identity.provider import (
    ANNA,
    CLIENT_ID,
    SECRET,
    Issuer,
    Sign,
    issuing,
    signed,
    signed_by_another,
    signed_by_the_public_key,
    signed_in_its_name,
    unsigned,
)

BACK = "http://127.0.0.1:8080/login/oidc/callback"
LEFT = "http://127.0.0.1:8080/logout/oidc"
NOT_SIGNED = "is not signed by a key of its own"
FOR_ANOTHER = "is for another system, not for this node"
TOO_LATE = "has expired, or its clock differs"
NOT_THIS_LOGIN = "is to another login, not to this one"
NOT_TRUSTED = "is not of the identity provider that this node trusts"


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    """A provider for all of these tests."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def issuer(running: Issuer) -> Issuer:
    """The same, which says what it usually says until a test changes it."""
    running.person, running.claims, running.told = dict(ANNA), {}, {}
    running.configuration, running.sign = {}, signed
    running.asked.clear()
    return running


def known_to(issuer: Issuer) -> Provider:
    """The node's side of it."""
    client = Client(client_id=CLIENT_ID, secret=SECRET, scope="openid profile")
    return Provider(
        issuer=issuer.url,
        client=client,
        wanted=("preferred_username", "groups"),
        now=lambda: datetime.now(UTC),
        answers=Answers(tls=ssl.create_default_context()),
    )


def claimed(issuer: Issuer, provider: Provider | None = None) -> Mapping[str, Any]:
    """Go there and back again."""
    provider = provider or known_to(issuer)
    attempt, _ = Attempts(secret="s").begin(datetime.now(UTC))
    asked = parse_qs(urlsplit(provider.login_url(attempt, BACK)).query)
    back = parse_qs(urlsplit(issuer.authorize({name: values[0] for name, values in asked.items()})).query)
    return provider.confirmed(back["code"][0], attempt, BACK).claims


def test_a_person_is_who_the_provider_says(issuer: Issuer):
    """With a code that only this browser's attempt could turn into a token."""
    assert claimed(issuer).items() >= ANNA.items()


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"nonce": "of another login"}, NOT_THIS_LOGIN),
        ({"nonce": None}, NOT_THIS_LOGIN),
        ({"aud": "another"}, FOR_ANOTHER),
        ({"aud": None}, FOR_ANOTHER),
        ({"aud": [CLIENT_ID, "another"]}, FOR_ANOTHER),
        ({"azp": "another"}, FOR_ANOTHER),
        ({"iss": "https://evil.example"}, NOT_TRUSTED),
        ({"iss": None}, NOT_TRUSTED),
        ({"exp": 1_700_000_000}, TOO_LATE),
        ({"exp": None}, TOO_LATE),
        ({"exp": "soon"}, TOO_LATE),
        ({"iat": 4_000_000_000}, TOO_LATE),
        ({"nbf": 4_000_000_000}, TOO_LATE),
        ({"sub": None}, "identity provider"),
        ({"sub": 7}, "identity provider"),
    ],
)
def test_a_token_that_says_otherwise_is_not_believed(issuer: Issuer, claims: dict[str, Any], sentence: str):
    """Each with its sentence (OpenID Connect Core 3.1.3.7)."""
    issuer.claims = claims

    with pytest.raises(NotTrustedError, match=sentence):
        claimed(issuer)


def test_a_token_for_several_names_this_node_as_its_party(issuer: Issuer):
    """`azp`, where there is more than one audience."""
    issuer.claims = {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}

    assert claimed(issuer)["sub"] == ANNA["sub"]


@pytest.mark.parametrize("sign", [unsigned, signed_by_another, signed_in_its_name, signed_by_the_public_key])
def test_a_token_that_the_provider_did_not_sign_is_not_believed(issuer: Issuer, sign: Sign):
    """Unsigned, by a key that it does not show, by another under that one's name, or by its public key as a secret."""
    issuer.sign = sign

    with pytest.raises(NotTrustedError, match=NOT_SIGNED):
        claimed(issuer)


@pytest.mark.parametrize("late", [-50, 50])
def test_clocks_may_differ_by_a_minute(issuer: Issuer, late: int):
    """The provider's, and ours."""
    now = round(time.time())
    issuer.claims = {"iat": now + late, "exp": now - 50}

    assert claimed(issuer)["sub"] == ANNA["sub"]


@pytest.mark.parametrize(
    "configuration",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": 7},
        {"token_endpoint": "http://127.0.0.1:1/token"},
        {"jwks_uri": "http://127.0.0.1:1/keys"},
    ],
)
def test_a_provider_that_is_not_as_it_should_be_is_down(issuer: Issuer, configuration: dict[str, Any]):
    """Another's configuration, or one that leads nowhere or where others read along."""
    issuer.configuration = configuration

    with pytest.raises(ProviderDownError, match="does not answer as it should"):
        claimed(issuer)


def test_a_provider_that_is_down_is_not_asked_at_every_click(issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    """But again after a few seconds."""
    provider = replace(known_to(issuer), issuer=f"{issuer.url}/nowhere")
    attempt, _ = Attempts(secret="s").begin(datetime.now(UTC))
    start = time.monotonic()
    asked = []
    for later in (0, 1, 6):
        monkeypatch.setattr("node.identity.answers.time.monotonic", lambda later=later: start + later)
        with pytest.raises(ProviderDownError):
            provider.login_url(attempt, BACK)
        asked.append(len(issuer.asked))

    assert asked == [1, 1, 2]


def test_a_code_is_worth_something_once(issuer: Issuer):
    """The provider refuses it then, and that is no outage."""
    provider = known_to(issuer)
    attempt, _ = Attempts(secret="s").begin(datetime.now(UTC))

    with pytest.raises(NotTrustedError, match="did not confirm this login"):
        provider.confirmed("spent", attempt, BACK)


def test_keys_and_configuration_are_asked_for_once(issuer: Issuer):
    """Not at each login."""
    provider = known_to(issuer)
    for _ in range(3):
        claimed(issuer, provider)

    assert sorted(issuer.asked) == ["/hospital/.well-known/openid-configuration", "/hospital/keys"]


THIN = {"preferred_username": None, "groups": None}


def test_what_a_token_lacks_is_asked_for(issuer: Issuer):
    """Many providers put groups into no token where there is a way to ask for them; what is signed comes first."""
    issuer.claims, issuer.told = {"groups": None}, {"groups": ["cxr-readers"], "preferred_username": "mallory"}

    found = claimed(issuer)

    assert (found["groups"], found["preferred_username"]) == (["cxr-readers"], "Anna")


def test_what_is_said_of_somebody_else_is_not_believed(issuer: Issuer):
    """OpenID Connect Core 5.3.2."""
    issuer.claims, issuer.told = THIN, {"sub": "another", "groups": ["cxr-admins"]}

    with pytest.raises(NotTrustedError, match="are of two people"):
        claimed(issuer)


@pytest.mark.parametrize("way", ["it refuses", "it does not offer it"])
def test_a_provider_may_have_no_more_to_say(issuer: Issuer, way: str):
    """The person then is who the token says, and has no groups."""
    issuer.claims = THIN
    if way == "it refuses":
        issuer.told = None
    else:
        issuer.configuration = {"userinfo_endpoint": None}

    assert claimed(issuer)["sub"] == ANNA["sub"]


def test_what_others_could_read_along_is_not_asked(issuer: Issuer):
    """The token that it takes would be theirs too."""
    issuer.claims, issuer.configuration = THIN, {"userinfo_endpoint": "http://evil.example/me"}

    with pytest.raises(ProviderDownError):
        claimed(issuer)


def test_a_new_key_is_asked_for(issuer: Issuer, monkeypatch: pytest.MonkeyPatch):
    """When a token names one that is not known; not more often than once a minute."""
    provider = known_to(issuer)
    claimed(issuer, provider)
    issuer.sign = signed_by_another
    with pytest.raises(NotTrustedError):
        claimed(issuer, provider)
    within_a_minute = issuer.asked.count("/hospital/keys")
    start = time.monotonic()
    monkeypatch.setattr("node.identity.answers.time.monotonic", lambda: start + 61)
    with pytest.raises(NotTrustedError):
        claimed(issuer, provider)

    assert (within_a_minute, issuer.asked.count("/hospital/keys")) == (1, 2)


def test_the_secret_goes_in_the_form_where_the_provider_wants_that(issuer: Issuer):
    """`client_secret_post`."""
    issuer.configuration = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    assert claimed(issuer)["sub"] == ANNA["sub"]


def test_the_provider_is_told_whose_login_ends(issuer: Issuer):
    """By the token of the login, for this node, with the way back."""
    url = known_to(issuer).logout_url("a.token.x", "a state", LEFT)
    assert url is not None
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}

    assert url.startswith(f"{issuer.url}/logout?all=yes&")
    assert asked == {
        "all": "yes",
        "client_id": CLIENT_ID,
        "id_token_hint": "a.token.x",
        "post_logout_redirect_uri": LEFT,
        "state": "a state",
    }


def test_a_token_that_no_address_has_room_for_is_left_out(issuer: Issuer):
    """Of somebody with hundreds of groups; the provider has the client then."""
    url = known_to(issuer).logout_url("x" * 4097, "a state", LEFT)

    assert url is not None
    assert "id_token_hint" not in url
    assert f"client_id={CLIENT_ID}" in url


@pytest.mark.parametrize("endpoint", ["http://evil.example/logout", 7])
def test_an_end_of_the_session_that_others_read_along_is_refused(issuer: Issuer, endpoint: object):
    """The token names a person."""
    issuer.configuration = {"end_session_endpoint": endpoint}

    with pytest.raises(ProviderDownError, match="does not answer as it should"):
        known_to(issuer).logout_url("a.token.x", "a state", LEFT)


def test_a_provider_without_an_end_of_the_session(issuer: Issuer):
    """There is nowhere to go."""
    issuer.configuration = {"end_session_endpoint": None}

    assert known_to(issuer).logout_url("a.token.x", "a state", LEFT) is None
