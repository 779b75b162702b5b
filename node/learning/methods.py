"""How a training run learns: a few ways that are known to do, each as the options of `cxr train`.

A run keeps the options it was started with, so that it goes on alike after an upgrade that changes these.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to learn, in a person's words and in options."""

    title: str
    words: str
    arguments: tuple[str, ...]


METHODS: Mapping[str, Method] = {
    "regions": Method(
        title="By region, without a gradient",
        words="Best with up to some thousand images. Minutes on two cores; it has no epochs to watch.",
        arguments=("--tune", "none", "--cut", "15", "--copies", "6"),
    ),
    "upper": Method(
        title="The upper part of the network",
        words="For some thousand images or more. A quarter of an hour for a thousand, on two cores.",
        arguments=("--tune", "upper", "--copies", "6"),
    ),
    "whole": Method(
        title="The whole network",
        words="For tens of thousands of images, and a GPU.",
        arguments=("--tune", "all"),
    ),
}
"""By the name that a run keeps; the first is what is offered."""

TARGETS: Mapping[str, tuple[str, ...]] = {
    "specificity 0.90": ("--specificity", "0.9"),
    "specificity 0.95": ("--specificity", "0.95"),
    "sensitivity 0.80": ("--sensitivity", "0.8"),
    "sensitivity 0.90": ("--sensitivity", "0.9"),
}
"""What the operating points are to keep on the validation patients."""
