"""How it stands with each destination: where it is, what it gets, and what has not arrived there."""

from dataclasses import dataclass
from datetime import datetime

from db import backlog, deliveries
from db.engine import Connection
from node.destinations import outbound
from node.sections.remote import DestinationSettings
from node.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A destination as the settings have it; `results` are the kinds that it gets."""

    name: str
    protocol: str
    address: str
    tls: bool
    results: tuple[str, ...]
    only_above: bool
    commitment: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why so many jobs for a destination wait; `error` is the sentence of one of them."""

    code: str
    jobs: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A destination and its backlog: `unsettled` are the results that have not arrived, by the delivery's state.

    `destination` is None for one that left the settings while results were on their way.
    """

    name: str
    destination: Destination | None
    last_sent_at: datetime | None
    unsettled: dict[str, int]
    troubles: tuple[Trouble, ...]


def described(settings: Settings) -> list[Destination]:
    """The destinations of the settings."""
    return [
        Destination(
            name=each.name,
            protocol=each.protocol,
            address=_where(each),
            tls=each.tls is not None or (each.url or "").startswith("https:"),
            results=tuple(sorted(route.kinds)),
            only_above=each.only_above,
            commitment=each.commitment,
        )
        for each, route in zip(settings.destinations, outbound.routes(settings), strict=True)
    ]


def standings(connection: Connection, settings: Settings) -> list[Standing]:
    """How it stands with each destination of the settings, and with former ones that something waits for."""
    unsettled: dict[str, dict[str, int]] = {}
    for name, state, count in deliveries.unsettled(connection):
        unsettled.setdefault(name, {})[state] = count
    troubles: dict[str, list[Trouble]] = {}
    for name, code, count, error in backlog.troubles(connection):
        troubles.setdefault(name, []).append(Trouble(code=code, jobs=count, error=error))
    known = {each.name: each for each in described(settings)}
    return [
        Standing(
            name=name,
            destination=known.get(name),
            last_sent_at=deliveries.last_sent(connection, name),
            unsettled=unsettled.get(name, {}),
            troubles=tuple(troubles.get(name, ())),
        )
        for name in (*known, *sorted({*unsettled, *troubles} - set(known)))
    ]


def _where(each: DestinationSettings) -> str:
    if each.return_to_sender:
        return "who sent the study"
    return each.url or f"{each.ae_title}@{each.host}:{each.port}"
