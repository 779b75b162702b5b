"""Options of a command that belong together, as one parameter of its function."""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of those of its parameters that are dataclasses.

    A field is declared as a parameter would be, `Annotated` with its `typer.Option`, and its default is the option's.
    So a group that several commands share, and that becomes one value anyway, is written down once.
    """
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}

    def options() -> Iterator[Parameter]:
        for name, parameter in signature(command).parameters.items():
            if name in groups:
                annotations = get_type_hints(groups[name], include_extras=True)
                for field in fields(groups[name]):
                    yield _option(field, annotations[field.name])
            else:
                yield parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name])

    @wraps(command)
    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    told: Any = run
    told.__signature__ = Signature(list(options()))
    told.__annotations__ = {name: parameter.annotation for name, parameter in told.__signature__.parameters.items()}
    return run


def _option(field: Field[Any], annotation: Any) -> Parameter:
    default = Parameter.empty if field.default is MISSING else field.default
    return Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
