"""The settings: what overrides what, and what is refused in one plain sentence."""

from pathlib import Path
from typing import Any

import pytest

from node.errors import SettingsError
from node.settings import load

TOML = """
host = "10.0.0.1"
[dicom]
port = 104
ae_title = "FILE"
"""


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch):
    """No setting of this machine's environment plays in."""
    for name in ("CXR_HOST", "CXR_DATA", "CXR_DICOM__PORT", "CXR_DATABASE__URL", "CXR_READING__MODEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file."""
    path = tmp_path / "node.toml"
    path.write_text(TOML)
    return path


def test_defaults_start_a_node_on_loopback():
    """Without any settings the node listens on this machine only, and admits this machine only."""
    settings = load()

    assert settings.host == "127.0.0.1"
    assert settings.dicom.ae_title == "CXRNODE"
    assert [str(network) for peer in settings.dicom.peers for network in peer.addresses] == ["127.0.0.0/8", "::1/128"]
    assert settings.database_url.startswith("sqlite:////")


def test_environment_is_over_the_file_and_options_are_over_both(file: Path, monkeypatch: pytest.MonkeyPatch):
    """What is said last and nearest counts; what is not said again stays."""
    monkeypatch.setenv("CXR_DICOM__PORT", "105")
    monkeypatch.setenv("CXR_HOST", "10.0.0.2")

    settings = load(file, **{"host": "10.0.0.3"})

    assert (settings.host, settings.dicom.port, settings.dicom.ae_title) == ("10.0.0.3", 105, "FILE")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[dicom]\nprot = 1", "dicom.prot"),
        ("nonsense = 1", "nonsense"),
        ("[dicom]\nport = 70000", "dicom.port"),
        ("[dicom]\nport = ", "TOML"),
        ('[dicom]\nae_title = "A NAME MUCH TOO LONG"', "dicom.ae_title"),
        ('[dicom]\nae_title = "BACK\\\\SLASH"', "dicom.ae_title"),
        ('[dicom]\nae_title = ""', "dicom.ae_title"),
        ('[dicom]\nae_title = " "', "dicom.ae_title"),
        ("[study]\nquiet_s = -1", "study.quiet_s"),
        ("[study]\nquiet_s = inf", "study.quiet_s"),
        ('[[dicom.peers]]\nae_title = "CT1"\naddresses = ["10.1.2.300"]', "addresses"),
        ('[[dicom.peers]]\nae_title = "CT1"', "addresses"),
        ("dicom = 5", "dicom"),
        ('[[destinations]]\nname = "a"\nae_title = "A"\nhost = "h"\nport = 1\n' * 2, "same name"),
        ('[[destinations]]\nname = "a b"\nae_title = "A"\nhost = "h"\nport = 1\n', "destinations.0.name"),
    ],
)
def test_setting_that_cannot_be_used_is_one_plain_sentence(text: str, word: str, tmp_path: Path):
    """A mistake in the file is named, with its place, before anything starts."""
    path = tmp_path / "node.toml"
    path.write_text(text)

    with pytest.raises(SettingsError) as error:
        load(path, **{"dicom.max_associations": 5})

    assert word in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("CXR_DICOM__PROT", "1"), ("CXR_DICOMM__PORT", "1"), ("CXR_DESTINATIONS", "pacs"), ("CXR_DATABASE", "sqlite")],
)
def test_environment_that_cannot_be_used_is_one_plain_sentence(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    """A mistyped variable is an error, not a default in its place."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError) as error:
        load()

    assert name.rsplit("__", maxsplit=1)[-1].removeprefix("CXR_").lower() in str(error.value).lower()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_file_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path):
    """A missing file, or one that is no text, is named."""
    path = tmp_path / "node.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=r"node\.toml"):
        load(path)


def test_secret_is_not_in_the_settings_words(monkeypatch: pytest.MonkeyPatch):
    """The database's password is neither printed nor in an error."""
    monkeypatch.setenv("CXR_DATABASE__URL", "postgresql://node:s3cret@db/cxr")

    settings = load()

    assert "s3cret" not in repr(settings) + str(settings.model_dump(mode="json"))
    assert "s3cret" in settings.database_url


def test_settings_do_not_change(file: Path):
    """What is in force is in force until the next start."""
    settings: Any = load(file)

    with pytest.raises(ValueError, match="frozen"):
        settings.dicom.port = 1


PACS = {"name": "pacs", "ae_title": "PACS", "host": "pacs", "port": 104}


@pytest.mark.parametrize(
    ("destination", "words"),
    [
        ({"name": "a"}, "cstore takes ae_title, host and port"),
        ({"name": "a", "protocol": "stow"}, "stow takes url"),
        ({"name": "a", "protocol": "stow", "url": "https://x/dicom-web", "port": 1}, "stow takes url"),
        ({"name": "a", "protocol": "stow", "url": "https://x", "commitment": True}, "are for cstore"),
        ({**PACS, "url": "https://x"}, "are for stow"),
        ({**PACS, "return_to_sender": True}, "takes ae_title, host, port and tls from"),
        ({"name": "a" * 48, "return_to_sender": True}, "a name has at most 47 characters"),
        ({"name": "a", "protocol": "stow", "url": "http://x", "token": "abc"}, "go over https alone"),
        ({"name": "a", "protocol": "stow", "url": "https://x", "user": "u"}, "give user and password"),
        ({**PACS, "profile": ["rejection"]}, "leave it out of profile"),
        ({**PACS, "profile": "nonsense"}, "ohif"),
        ({"name": "a", "protocol": "stow", "url": "https://x", "token": "file:/nowhere"}, "no secret at file:/nowhere"),
    ],
)
def test_destination_that_does_not_fit_together(destination: dict[str, object], words: str):
    """A destination that cannot work is an error at the start, in one sentence, without the secret."""
    with pytest.raises(SettingsError, match="destinations") as raised:
        load(None, destinations=[destination])

    assert words in str(raised.value)
    assert "abc" not in str(raised.value)


def test_secret_comes_from_a_file_or_the_environment_and_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A secret is named where it lies, and never shown."""
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("PACS_PASSWORD", "pa55")
    web = {"protocol": "stow", "url": "https://pacs.example.org/dicom-web"}

    settings = load(
        None,
        destinations=[
            {"name": "a", "token": f"file:{tmp_path / 'token'}", **web},
            {"name": "b", "user": "u", "password": "env:PACS_PASSWORD", **web},
        ],
    )

    first, second = settings.destinations
    assert first.token is not None
    assert second.password is not None
    assert (first.token.get_secret_value(), second.password.get_secret_value()) == ("s3cret", "pa55")
    assert "s3cret" not in str(settings.model_dump(mode="json"))


def test_peer_with_half_an_address():
    """A host without a port is a mistake, and so is an address of anybody."""
    for peer in ({"ae_title": "A", "host": "a"}, {"ae_title": "*", "host": "a", "port": 104}):
        with pytest.raises(SettingsError, match=r"dicom\.peers"):
            load(None, **{"dicom.peers": [{"addresses": ["10.0.0.1"], **peer}]})


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"protocol": "cget"}, "cget takes ae_title, host and port"),
        ({"protocol": "cmove", "url": "https://vna/dicom-web"}, "url, user, password and token are for dicomweb"),
        ({"protocol": "dicomweb", "ae_title": "VNA", "url": "https://vna"}, "dicomweb takes url, and no ae_title"),
        ({"protocol": "dicomweb", "url": "http://vna/dicom-web", "token": "x"}, "go over https alone"),
        ({"protocol": "dicomweb", "url": "https://vna", "window": "20:00-20:00"}, "window begins when it ends"),
        ({"protocol": "dicomweb", "url": "https://vna", "window": "8-24"}, "window"),
    ],
)
def test_source_that_cannot_be_asked(keys: dict[str, str], words: str):
    """A source's keys fit its protocol, and secrets go over TLS, as a destination's do."""
    with pytest.raises(SettingsError, match=words):
        load(None, sources=[{"name": "archive"} | keys])
