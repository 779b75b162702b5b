"""The settings as a table: each with its value, secrets masked, and what it means."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel


def rows(section: BaseModel, prefix: str = "") -> list[tuple[str, Any, str]]:
    """Name, value and meaning of each setting of a section and of those in it."""
    found: list[tuple[str, Any, str]] = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            found += rows(value, f"{prefix}{name}.")
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, item in enumerate(value):
                found += rows(item, f"{prefix}{name}[{number}].")
        else:
            shown = value.absolute() if isinstance(value, Path) else value
            if isinstance(value, tuple):
                shown = ", ".join(str(item) for item in value)
            if isinstance(value, dict):
                shown = ", ".join(f"{key} = {item}" for key, item in value.items())
            found.append((f"{prefix}{name}", shown, " ".join((field.description or "").split())))
    return found
