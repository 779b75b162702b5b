"""The conformance statement is the one of the program that is here."""

import os
import re
from pathlib import Path
from string import Template

import pytest

from node.objects.contents import contents
from node.settings import load
from node.statement import auditing, created, reception, reports, sending
from node.statement.document import TEMPLATE, conformance

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are those of the test alone."""
    for name in list(os.environ):
        if name.upper().startswith("CXR_"):
            monkeypatch.delenv(name)


def test_committed_statement_is_that_of_the_default_settings():
    """CONFORMANCE.md says what this version does."""
    committed = (ROOT / "CONFORMANCE.md").read_text("utf-8")

    assert committed == conformance(load()), (
        "renew it: cxr conformance --out CONFORMANCE.md (without settings of yours)"
    )


def test_every_fact_has_a_place_in_the_prose():
    """No table is made that the document does not show, and none is shown that is not made."""
    settings, made = load(), contents()
    parts = (
        *(part.values(settings) for part in (auditing, reception, reports)),
        sending.values(settings, made),
        created.values(made),
    )

    named = set(Template(TEMPLATE.read_text("utf-8")).get_identifiers())

    assert named == {"contents"}.union(*parts)
    assert sum(len(part) for part in parts) == len(named) - 1


def test_links_of_the_table_of_contents_lead_to_headings():
    """Each line of the table of contents has its heading."""
    document = conformance(load())
    headings = re.findall(r"^##+ (.+)$", document, re.MULTILINE)

    linked = re.findall(r"^ *\* \[(.+)\]\(#([^)]+)\)$", document, re.MULTILINE)

    assert [title for title, _ in linked] == headings
    assert len({anchor for _, anchor in linked}) == len(linked)


def test_statement_of_a_site_has_its_peers_and_destinations():
    """Whoever runs a node gets the statement of that node."""
    document = conformance(load(ROOT / "deploy" / "node.toml"))

    assert "| `DXROOM1` | 10.20.30.41/32 | 10.20.30.41:104 |" in document
    assert "| pacs | C-STORE | MAINPACS at 10.20.30.5:104 |  | pacs-minimal |  | within 3600 s | 30 s |" in document
    assert "| viewer | STOW-RS | https://viewer.example.org/dicom-web | yes | ohif |" in document


def test_statement_holds_no_secret(tmp_path: Path):
    """What is given to a vendor has no password in it."""
    stow = '[[destinations]]\nname = "web"\nprotocol = "stow"\nurl = "https://pacs.example.org/dicom-web"\n'
    config = tmp_path / "node.toml"
    config.write_text(
        f'{stow}user = "someone"\npassword = "hush-1"\n'
        f'{stow.replace("web", "other", 1)}token = "hush-2"\n'
        '[database]\nurl = "postgresql://cxr:hush-3@localhost/cxr"\n'
    )

    document = conformance(load(config))

    assert "STOW-RS" in document
    assert "hush" not in document
    assert "someone" not in document


def test_list_of_objects_in_place_of_a_profile_is_shown(tmp_path: Path):
    """A destination with its own list of objects shows the list."""
    config = tmp_path / "node.toml"
    config.write_text(
        '[[destinations]]\nname = "own"\nae_title = "A"\nhost = "localhost"\nport = 104\nprofile = ["gsps", "sr"]\n'
    )

    assert "| own | C-STORE | A at localhost:104 |  | `sr`, `gsps` |" in conformance(load(config))


def test_certificate_that_is_not_there_does_not_stop_the_statement(tmp_path: Path):
    """The statement can be written on another machine than the node's."""
    config = tmp_path / "node.toml"
    config.write_text(
        '[[destinations]]\nname = "tls"\nae_title = "A"\nhost = "localhost"\nport = 104\n'
        'tls = { ca = "/no/such.pem" }\n'
    )

    assert "| tls | C-STORE | A at localhost:104 | yes |" in conformance(load(config))
