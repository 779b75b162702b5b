"""Whether the console may be shown on an address."""

import ipaddress

from node.errors import SettingsError


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_encrypted(host: str, *, encrypted: bool) -> None:
    """Refuse to show the console to other machines without TLS.

    Raises:
        SettingsError: `host` is an address that others reach, and there is no certificate.
    """
    if not encrypted and not is_loopback(host):
        raise SettingsError(
            f"console.host {host} would show the console to other machines without TLS; "
            "set console.tls_certificate and console.tls_key, or use 127.0.0.1"
        )


def require_people(host: str, count: int) -> None:
    """Refuse to show the console to other machines while nobody could log in.

    Raises:
        SettingsError: `host` is an address that others reach, and the `count` of users is none.
    """
    if not count and not is_loopback(host):
        raise SettingsError(
            f"console.host {host} would show the console to other machines while nobody could log in; "
            "make the first user with cxr users add NAME --role administrator"
        )
