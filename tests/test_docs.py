"""The documents say what is there, and what is there is in the documents."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

from node.__main__ import app
from node.commands.deferred import Deferred
from node.settings import Settings, load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""
    for name, deferred in typer.main.get_group(app).commands.items():
        command = loaded(deferred)
        inner = getattr(command, "commands", None)
        yield from ((f"{name} {each}", loaded(inner[each])) for each in inner) if inner else ((name, command),)


def loaded(command: Any) -> Any:
    """The command itself, whether its module is loaded with the list or later."""
    return command.loaded() if isinstance(command, Deferred) else command


def sections(settings: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The settings and every section in them."""
    yield settings
    for field in settings.model_fields.values():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from sections(part)


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=str)
def test_command_explains_itself_with_an_example(name: str, command: Any):
    """`--help` says what a command does and shows one that works."""
    assert f"Example: cxr {name}" in (command.help or "")


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_command_is_in_the_changelog(name: str):
    """Who runs the node finds each command in the changelog."""
    assert name == "version" or f"`cxr {name}`" in CHANGELOG or f"`cxr {name.partition(' ')[0]}" in CHANGELOG


def test_commands_named_in_the_documents_exist():
    """No document names a command that is not there."""
    there = {name.split()[0] for name, _ in commands()}

    named = set(re.findall(r"\bcxr ([a-z]+(?:-[a-z]+)*)", README + ARCHITECTURE + CHANGELOG))

    assert named <= there


def beginnings() -> dict[str, list[str]]:
    """The rows of the map: a package's path, and the modules at which to begin to read it."""
    rows = re.findall(r"^\| `([a-z0-9]+/?)` \|.*\| (.+) \|$", ARCHITECTURE, re.MULTILINE)
    return {(f"node/{name}" if name.endswith("/") else name): re.findall(r"`([^`]+)`", begin) for name, begin in rows}


def test_architecture_has_every_package_and_where_to_begin():
    """The map has a row for each package, and for none that is gone; the module it names first is there."""
    rows = beginnings()

    packages = {f"node/{path.name}/" for path in (ROOT / "node").iterdir() if (path / "__init__.py").exists()}

    assert {name for name in rows if name.startswith("node/")} == packages
    assert [name for name, modules in rows.items() if not all((ROOT / name / each).exists() for each in modules)] == []
    assert all(rows.values())


def test_architecture_names_the_modules_beside_the_packages():
    """Those of the running product that lie in no package."""
    named = set(re.findall(r"`([a-z_0-9]+)`", ARCHITECTURE)) | {"__init__", "__main__", "errors"}

    assert {path.stem for path in (ROOT / "node").glob("*.py")} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_in_the_documents_lead_somewhere(page: Path):
    """Every relative link has a file behind it."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", page.read_text("utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("section", list(sections(Settings)), ids=lambda section: section.__name__)
def test_setting_says_what_it_means(section: type[BaseModel]):
    """Each setting has its sentence."""
    undocumented = [name for name, field in section.model_fields.items() if not field.description]

    assert [name for name in undocumented if not isinstance(section.model_fields[name].default, BaseModel)] == []
    assert section.__doc__


def test_example_settings_are_valid_and_have_every_section():
    """The example in deploy/ loads as it stands and shows every section of the file."""
    example = ROOT / "deploy" / "node.toml"

    settings = load(example)

    assert settings.dicom.peers[0].ae_title == "DXROOM1"
    shown = set(re.findall(r"^(?:# )?\[+([a-z0-9]+)", example.read_text("utf-8"), re.MULTILINE))
    documented = {name for name, field in Settings.model_fields.items() if name not in ("host", "data")}
    assert documented - shown == set()
