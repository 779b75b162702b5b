"""What a hospital lets through to be read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the hospital lets through where the header is silent."""

    accept_unknown_view: bool = False
    accept_unknown_body_part: bool = False
