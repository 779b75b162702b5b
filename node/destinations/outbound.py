"""The node's ways out, put together from the settings: for `node/wiring.py`, and for `cxr destinations`."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from node.destinations.delivery import Recipient
from node.destinations.rendition import Renderer
from node.destinations.routes import PROFILES, Route, back_to
from node.destinations.stow import Stow
from node.dicom.opening import Address
from node.dicom.outgoing import OpenLine
from node.dicom.sender import OnReport, Scu
from node.objects import encoding, fallback
from node.sections.receiving import PeerSettings
from node.sections.remote import DestinationSettings, RemoteSettings
from node.sections.section import TlsSettings
from node.settings import Settings
from node.transport.tls import client_tls
from node.transport.web import WebAddress

RENDER = Renderer(as_sop_class=fallback.as_sop_class, transcoded=encoding.transcoded)


class Closable(Protocol):
    """What keeps connections open."""

    def close(self) -> None:
        """Close them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """Where the node sends results, by destination; `modalities` are the peers that it can call, by AE title."""

    recipients: Mapping[str, Recipient]
    modalities: Mapping[str, Address]
    open: tuple[Closable, ...]

    def close(self) -> None:
        """End the connections that are kept open."""
        for each in self.open:
            each.close()


def build(settings: Settings, on_report: OnReport) -> Outbound:
    """The ways out; nothing is connected yet.

    Args:
        settings: destinations and peers.
        on_report: takes commitment reports that come on associations of ours.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    modalities = {peer.ae_title: address for peer in settings.dicom.peers if (address := _modality(peer)) is not None}
    opened: list[Closable] = []

    def recipient(each: DestinationSettings, address: Address | WebAddress) -> Recipient:
        sender: Scu | Stow
        if isinstance(address, WebAddress):
            sender = Stow(address=address, render=RENDER)
        else:
            sender = Scu(
                ae_title=settings.dicom.ae_title,
                address=address,
                render=RENDER,
                on_report=on_report if each.commitment else None,
            )
        opened.append(sender)
        open_line: OpenLine = sender.line
        return Recipient(open_line=open_line, commitment=each.commitment, wait_s=each.commitment_wait_s)

    recipients: dict[str, Recipient] = {}
    for each in settings.destinations:
        if each.return_to_sender:
            for ae_title, address in modalities.items():
                recipients[back_to(each.name, ae_title)] = recipient(each, _renamed(address, each))
        else:
            recipients[each.name] = recipient(each, address_of(each))
    return Outbound(recipients=recipients, modalities=modalities, open=tuple(opened))


def routes(settings: Settings) -> tuple[Route, ...]:
    """Which results go to which destination."""
    return tuple(
        Route(
            name=each.name,
            kinds=PROFILES[each.profile] if isinstance(each.profile, str) else frozenset(each.profile),
            only_above=each.only_above,
            return_to_sender=each.return_to_sender,
        )
        for each in settings.destinations
    )


def address_of(each: RemoteSettings, kind: str = "destination") -> Address | WebAddress:
    """Where a destination, or another system of this `kind`, is.

    Raises:
        SettingsError: its certificate or key cannot be used.
    """
    if each.url is not None:
        secure = each.url.startswith("https:")
        return WebAddress(
            name=each.name,
            url=each.url,
            timeout_s=each.timeout_s,
            tls=client_tls(each.tls or TlsSettings(), f"{kind} {each.name}") if secure else None,
            authorization=_authorization(each),
        )
    return Address(
        name=each.name,
        ae_title=each.ae_title or "",
        host=each.host or "",
        port=each.port or 0,
        timeout_s=each.timeout_s,
        tls=client_tls(each.tls, f"{kind} {each.name}") if each.tls else None,
        server_name=each.tls.server_name if each.tls else None,
    )


def _modality(peer: PeerSettings) -> Address | None:
    if peer.host is None or peer.port is None:
        return None
    return Address(
        name=peer.ae_title,
        ae_title=peer.ae_title,
        host=peer.host,
        port=peer.port,
        tls=client_tls(peer.tls, f"peer {peer.ae_title}") if peer.tls else None,
        server_name=peer.tls.server_name if peer.tls else None,
    )


def _renamed(address: Address, each: DestinationSettings) -> Address:
    return Address(
        name=f"{each.name} ({address.ae_title})",
        ae_title=address.ae_title,
        host=address.host,
        port=address.port,
        timeout_s=each.timeout_s,
        tls=address.tls,
        server_name=address.server_name,
    )


def _authorization(each: RemoteSettings) -> str | None:
    if each.token is not None:
        return f"Bearer {each.token.get_secret_value()}"
    if each.user is not None and each.password is not None:
        pair = f"{each.user}:{each.password.get_secret_value()}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return None
