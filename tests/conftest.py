"""What every test can ask for. The peers' fixtures are in tests/peers; a missing peer skips its tests.

CXR_REQUIRE_PEERS=1 turns such a skip into a failure. A test that asks for a peer's fixture is marked `peer`.
"""

import os
import sys
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

# A slow moment of a busy machine says nothing of the code. Each run tries the same; `tests.fuzz` looks for more.
hypothesis.settings.register_profile(
    "quiet",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("quiet")

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # those that test side by side have a core each

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # so that `tests.peers` can be imported, whatever pytest was started by

pytest_plugins = [
    "tests.peers.archive",
    "tests.peers.certificates",
    "tests.peers.databases",
    "tests.peers.dcmtk",
    "tests.peers.orthanc",
    "tests.peers.pacs",
    "tests.peers.storescp",
    "tests.databases",
    "tests.miners",
    "tests.nodes",
]

PEER_FIXTURES = frozenset(
    {
        "certificates",
        "dciodvfy",
        "dsrdump",
        "echoscu",
        "orthanc",
        "postgres_server",
        "postgres_url",
        "redis_url",
        "start_storescp",
        "storescu",
    }
)
NO_SHARED_DATA = "There is no ../shared/data; name the folder of public test data in CXR_SHARED_DATA"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a peer."""
    for item in items:
        if PEER_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.peer)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CXR_REQUIRE_PEERS=1 a skipped peer test has failed, unless only data were missing."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("peer")
    if skipped and os.environ.get("CXR_REQUIRE_PEERS") == "1" and NO_SHARED_DATA not in report.longreprtext:
        report.outcome = "failed"
        report.longrepr = f"CXR_REQUIRE_PEERS=1, and this peer test was skipped: {report.longreprtext}"
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public test data: $CXR_SHARED_DATA, or ../shared/data beside the project."""
    folder = Path(os.environ.get("CXR_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(NO_SHARED_DATA)
    return folder
