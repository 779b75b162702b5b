"""The console's application."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db import migration, models, reports, studies
from db.engine import Database, connect
from db.records import Arrival, JobKind
from db.report_records import MessageArrival, ReportArrival, ReportStatus
from node.console import app, page
from node.console.facts import Facts
from node.telemetry.metrics import measure
from node.telemetry.watch import Watch
from tests.node.console.browser import Browser, serving

# The counts of studies, jobs and deliveries call Result.tuples(), which SQLAlchemy 2.1 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:The Result.tuples")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WATCH = Watch(metrics=measure(), checks={})
CANARIES = ("CANARY", "PATIENT-4711", "ACC-4711", "Clear lungs")


@pytest.fixture
def database(migrated_url: str) -> Iterator[Database]:
    """A database with a study, a report and a model in it."""
    database = connect(migrated_url)
    with database.write() as connection:
        studies.record_arrival(connection, arrival(), NOON)
        reports.record(connection, message())
        models.register(connection, name="tiny", version="tiny<1>", path="/", card={}, now=NOON)
        models.promote(connection, "tiny<1>", by="a test", now=NOON)
    yield database
    database.close()


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[Browser]:
    """A browser."""
    with serving(app.build(database, tmp_path, "CXRNODE", WATCH)) as client:
        yield client


def arrival() -> Arrival:
    """An instance with a patient's name."""
    return Arrival(
        sop_instance_uid="1.2.3",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.1",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        study_instance_uid="1.2",
        series_instance_uid="1.2.1",
        patient_id="PATIENT-4711",
        patient_name="CANARY^<script>alert(1)</script>",
        accession_number="ACC-4711",
        study_date="20260301",
        path="x.dcm",
        size=1,
        sha256="0" * 64,
        calling_ae="MODALITY",
        calling_address="127.0.0.1",
        received_at=NOON,
    )


def message() -> MessageArrival:
    """A message with a report."""
    report = ReportArrival(
        source="HOSPITAL",
        report_key="ACC-4711",
        modality="RAD",
        procedure="CHEST 2 VIEWS",
        accession_number="ACC-4711",
        study_instance_uid=None,
        patient_id="PATIENT-4711",
        status=ReportStatus.FINAL,
        version_at=NOON,
        message_at=NOON,
        text="Clear lungs",
        sections=(),
    )
    return MessageArrival(
        sending_application="RIS",
        sending_facility="H",
        control_id="1",
        message_type="ORU^R01",
        version="2.4",
        raw=b"",
        sha256="0" * 64,
        peer_address="127.0.0.1",
        answer="AA",
        received_at=NOON,
        reports=(report,),
    )


def test_health_says_how_much_there_is(client: Browser) -> None:
    """For a machine that watches."""
    answer = client.get("/health")

    facts = answer.json()
    assert answer.status == 200
    assert facts.pop("free_bytes") > 0
    assert facts == {
        "ok": True,
        "model": "tiny<1>",
        "studies": {"arriving": 1},
        "jobs": {},
        "deliveries": {},
        "reports": {"final": 1},
    }


def test_the_page_shows_counts(client: Browser) -> None:
    """For a person, with its disclaimer, and with what came from elsewhere escaped."""
    answer = client.get("/")

    assert answer.status == 200
    assert "Not a medical device" in answer.text
    assert re.search(r"arriving</th><td>1</td>", answer.text)
    assert re.search(r"final</th><td>1</td>", answer.text)
    assert "tiny&lt;1&gt;" in answer.text


def test_nothing_of_a_patient_is_shown(client: Browser) -> None:
    """There is no login yet."""
    shown = "".join(client.get(path).text for path in ("/", "/health", "/no-such-page"))

    assert not [word for word in CANARIES if word in shown]


def test_every_answer_has_the_security_headers(client: Browser) -> None:
    """Errors included; nothing is cached, framed or fetched from elsewhere."""
    answers = [client.get("/"), client.get("/health"), client.get("/no-such-page"), client.get("/", "POST")]

    assert [answer.status for answer in answers] == [200, 200, 404, 405]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_needs_nothing_from_elsewhere(client: Browser) -> None:
    """No script, and no address but its own."""
    html = client.get("/").text

    assert "<script" not in html
    assert not re.search(r"(src|href|url\(|@import|https?:)", html)
    assert html.count("<style>") == 1


def closed(tmp_path: Path) -> Database:
    """A database that does not answer."""
    return connect(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")


@pytest.mark.parametrize("path", ["/", "/health"])
def test_a_database_that_does_not_answer_is_told(tmp_path: Path, path: str) -> None:
    """503, without its error's words."""
    with serving(app.build(closed(tmp_path), tmp_path, "CXRNODE", WATCH)) as client:
        answer = client.get(path)

    assert answer.status == 503
    assert "the database does not answer" in answer.text
    assert str(tmp_path) not in answer.text


def test_a_fault_shows_nothing_of_itself(tmp_path: Path) -> None:
    """A plain sentence, with the headers."""
    database = connect(f"sqlite:///{tmp_path / 'empty.db'}")
    migration.upgrade(database)
    with serving(app.build(database, tmp_path, "X", WATCH)) as client:
        database.read = None  # type: ignore[method-assign,assignment]
        answer = client.get("/health")

    assert answer.status == 500
    assert answer.text == "A fault in the node."
    assert answer.headers["cache-control"] == "no-store"


def test_what_waits_for_a_person_stands_out() -> None:
    """A dead job is marked, a count of none is not."""
    facts = Facts(
        model=None,
        studies={"failed": 2},
        jobs={f"{JobKind.DELIVER}.dead": 3},
        deliveries={"pacs.main.refused": 4, "pacs.main.sent": 5},
        reports={},
        free_bytes=2**30,
    )

    html = page.render("<AE>", facts)

    assert [int(count) for count in re.findall(r'class="worrying">(\d)<', html)] == [2, 3, 4]
    assert "To pacs.main" in html
    assert "none promoted" in html
    assert "&lt;AE&gt;" in html
