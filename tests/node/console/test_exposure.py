"""On which addresses the console may be shown."""

import pytest

from node.console.exposure import require_encrypted, require_people
from node.errors import SettingsError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "hospital.example", ""])
def test_other_machines_see_it_with_tls_and_a_user_alone(host: str) -> None:
    """Each sentence says what to do."""
    with pytest.raises(SettingsError, match=r"set console\.tls_certificate and console\.tls_key, or use 127\.0\.0\.1"):
        require_encrypted(host, encrypted=False)
    with pytest.raises(SettingsError, match="make the first user with cxr users add NAME --role administrator"):
        require_people(host, 0)

    require_encrypted(host, encrypted=True)
    require_people(host, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_needs_neither(host: str) -> None:
    """A new node can be looked at before anything was set up."""
    require_encrypted(host, encrypted=False)
    require_people(host, 0)
