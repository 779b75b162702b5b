"""The objects that the node makes, as tables."""

from collections.abc import Iterable, Sequence

from pydicom.charset import python_encoding
from pydicom.uid import UID

from db.vocabulary import EIGHT, Code
from node.objects import codes
from node.objects.contents import Attribute, Contents
from node.objects.language import LANGUAGES, language
from node.objects.modules import SERIES_NUMBERS
from node.objects.reading import BOX_THRESHOLD
from node.process.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, SOFTWARE_VERSION
from node.statement.markdown import code, table

Module = tuple[str, tuple[Attribute, ...]]
IN_HEADING = "SOPClassUID"
"""Stands above each table."""


def values(made: Sequence[Contents]) -> dict[str, str]:
    """What the template calls for of objects."""
    modules = {each.kind: _modules(each) for each in made}
    common = [module for module in modules[made[0].kind] if all(module in each for each in modules.values())]
    return {
        "version": SOFTWARE_VERSION,
        "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
        "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
        "box_threshold": str(BOX_THRESHOLD),
        "eight": ", ".join(finding.name for finding in EIGHT),
        "created_classes": _classes(made),
        "common_modules": _table(common),
        "objects": "\n\n".join(
            f"#### {each.kind}: {UID(each.sop_class_uid).name}\n\n"
            + _table(module for module in modules[each.kind] if module not in common)
            for each in made
        ),
        "codes": table(
            ["Code value", "Scheme", "Meaning"],
            [(code(each.value), each.scheme, each.meaning) for each in _codes(made)],
        ),
        "character_sets": ", ".join(code(term) for term in python_encoding if term),
        "languages": ", ".join(f"{language(name).meaning} ({code(name)})" for name in LANGUAGES),
    }


def _classes(made: Sequence[Contents]) -> str:
    rows = [
        (
            code(each.kind),
            UID(each.sop_class_uid).name,
            code(each.sop_class_uid),
            UID(each.transfer_syntax_uid).name,
            SERIES_NUMBERS[each.kind],
        )
        for each in made
    ]
    return table(["Object", "SOP Class", "UID", "Stored as", "Series Number"], rows)


def _codes(made: Sequence[Contents]) -> list[Code]:
    """The node's own codes, and those that the templates bring along."""
    found = {(each.scheme, each.value): each for one in made for each in sorted(one.codes, key=repr)}
    found |= {(each.scheme, each.value): each for each in codes.terms()}
    return sorted(found.values(), key=lambda each: (each.scheme, each.meaning.lower()))


def _modules(each: Contents) -> list[Module]:
    return [(title, tuple(one for one in found if one.keyword != IN_HEADING)) for title, found in each.modules]


def _table(modules: Iterable[Module]) -> str:
    rows = [
        (
            title,
            ", ".join(_name(one) for one in found if one.copied),
            ", ".join(f"{_name(one)} = {code(one.value or 'empty')}" for one in found if _fixed(one)),
            ", ".join(_name(one) for one in found if not one.copied and not _fixed(one)),
        )
        for title, found in modules
    ]
    return table(["Module", "Copied from the image", "Always the same", "Made by the node"], rows)


def _fixed(one: Attribute) -> bool:
    return one.value is not None


def _name(one: Attribute) -> str:
    return one.keyword if one.always else f"{one.keyword}\\*"
