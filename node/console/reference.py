"""The HTTP API for people to read: its own OpenAPI document as a page."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from node.console.access import Visit
from node.console.frame import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a request may give: where it stands (path, query or body), and whether it must be there."""

    name: str
    place: str
    required: bool
    kind: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that can be asked for."""

    method: str
    path: str
    scope: str
    meaning: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The page; `document` makes the OpenAPI document."""

    document: Callable[[], Mapping[str, Any]]
    frame: Frame

    def show(self, visit: Visit) -> Response:
        """Every operation, by what it is about."""
        document = self.document()
        groups: dict[str, list[Operation]] = {}
        for tag, operation in operations(document):
            groups.setdefault(tag, []).append(operation)
        return self.frame.page("reference.html", visit, root=document["servers"][0]["url"], groups=groups)


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Each operation of an OpenAPI document, with what it is about."""
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, words in methods.items():
            yield (
                words["tags"][0],
                Operation(
                    method=method.upper(),
                    path=path,
                    scope=words["security"][0]["token"][0],
                    meaning=" ".join(words["description"].split()),
                    fields=(
                        *(_parameter(each, schemas) for each in words.get("parameters", ())),
                        *_body(words, schemas),
                    ),
                ),
            )


def _parameter(words: Mapping[str, Any], schemas: Mapping[str, Any]) -> Field:
    return Field(
        name=words["name"],
        place=words["in"],
        required=words["required"],
        kind=_kind(words["schema"], schemas),
        meaning=words.get("description", ""),
    )


def _body(words: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[Field]:
    if "requestBody" not in words:
        return
    schema = schemas[_name(words["requestBody"]["content"]["application/json"]["schema"]["$ref"])]
    for name, each in schema["properties"].items():
        yield Field(
            name=name,
            place="body",
            required=name in schema.get("required", ()),
            kind=_kind(each, schemas),
            meaning=" ".join(each.get("description", "").split()),
        )


def _kind(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """What a value is, in a word or two; of a few words, which."""
    if "$ref" in schema:
        return _kind(schemas[_name(schema["$ref"])], schemas)
    if "enum" in schema:
        return ", ".join(schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each, schemas) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"several of {_kind(schema['items'], schemas)}"
    return str(schema.get("type", "anything"))


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
