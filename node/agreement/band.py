"""Within what agreement is to stay. It loads nothing: settings name it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What is watched: the last weeks beside those before them.

    Attributes:
        width: how far kappa may move either way.
        recent: weeks that count as now, the one that has begun included.
        earlier: weeks before these that it is held against.
    """

    width: float = 0.1
    recent: int = 4
    earlier: int = 26
