"""The HTTP API: who reaches what, what it says, and that nothing sent to it is a fault."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import Case
from starlette.routing import Mount
from typer.testing import CliRunner

from db import audit, jobs, lexicon_trials, minings, people
from db.engine import Database, connect
from db.people_records import Role
from db.records import JobState
from db.tokens import Scope
from node.__main__ import app
from node.identity.tokens import Tokens
from node.settings import load
from tests.db.rows import NOW
from tests.db.test_minings import EFFUSION, reading
from tests.node.console.api.conftest import OWNERS, RESULT, STUDY, Program, a_token, fill
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import PASSWORD, Clock, console, with_people
from tests.node.labels.test_trials import FILE, InOneProcess, trials_with
from training.pseudonym import Pseudonyms

SCOPES = {
    ("GET", "/studies"): "read",
    ("GET", "/studies/{study_instance_uid}"): "read",
    ("GET", "/studies/{study_instance_uid}/reports"): "read",
    ("GET", "/studies/{study_instance_uid}/labels"): "read",
    ("GET", "/studies/{study_instance_uid}/objects/{sop_instance_uid}"): "label",
    ("POST", "/studies/{study_instance_uid}/read"): "administer",
    ("POST", "/studies/{study_instance_uid}/send"): "administer",
    ("POST", "/studies/{study_instance_uid}/retract"): "label",
    ("GET", "/reports"): "read",
    ("GET", "/reports/unlinked"): "read",
    ("GET", "/reports/{report_id}"): "read",
    ("GET", "/labels"): "read",
    ("GET", "/labels/table"): "read",
    ("GET", "/labels/cooccurrence"): "read",
    ("POST", "/labels/corrections"): "label",
    ("POST", "/labels/corrections/{gold_id}/undo"): "label",
    ("GET", "/lexicon/files"): "label",
    ("GET", "/lexicon/trials"): "label",
    ("POST", "/lexicon/trials"): "label",
    ("GET", "/lexicon/trials/{trial_id}"): "label",
    ("POST", "/lexicon/trials/{trial_id}/stop"): "label",
    ("GET", "/discrepancies"): "read",
    ("POST", "/discrepancies/verdicts"): "label",
    ("GET", "/agreement"): "read",
    ("GET", "/jobs"): "read",
    ("POST", "/jobs/retry"): "administer",
    ("POST", "/jobs/{job_id}/retry"): "administer",
    ("GET", "/deliveries"): "read",
    ("GET", "/destinations"): "read",
    ("POST", "/destinations/{name}/test"): "administer",
    ("GET", "/models"): "read",
    ("GET", "/models/{version}"): "read",
    ("GET", "/models/{version}/comparisons"): "read",
    ("GET", "/models/{version}/live"): "read",
    ("POST", "/models/{version}/comparisons"): "administer",
    ("POST", "/models/{version}/promotion"): "administer",
    ("POST", "/models/rollback"): "administer",
    ("PUT", "/models/shadow"): "administer",
    ("GET", "/snapshots"): "read",
    ("GET", "/trainings"): "read",
    ("GET", "/trainings/{version}"): "read",
    ("POST", "/trainings"): "administer",
    ("POST", "/trainings/{version}/stop"): "administer",
    ("POST", "/trainings/{version}/go-on"): "administer",
    ("GET", "/health"): "read",
    ("GET", "/status"): "read",
    ("GET", "/callers"): "read",
    ("GET", "/settings"): "administer",
    ("GET", "/version"): "administer",
    ("GET", "/audit"): "administer",
    ("GET", "/audit/verification"): "administer",
}
"""What this API has, written a second time: what is added, or opened to others, fails until it is here."""
VALUES = {
    "{study_instance_uid}": STUDY,
    "{sop_instance_uid}": RESULT,
    "{report_id}": "1",
    "{gold_id}": "9",
    "{job_id}": "9",
    "{trial_id}": "9",
    "{version}": "m9",
    "{name}": "nowhere",
}


def asked(of: Program, method: str, path: str) -> int:
    """The status of a request."""
    for name, value in VALUES.items():
        path = path.replace(name, value)
    return (of.get(path) if method == "GET" else of.post(path, method=method)).status


def test_the_document_has_every_operation_with_its_scope(browser: Browser) -> None:
    """It is there for everybody; each operation takes one scope."""
    document = browser.get("/api/v1/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": "/api/v1"}]
    there = {
        (method.upper(), path): words["security"]
        for path, methods in document["paths"].items()
        for method, words in methods.items()
    }
    assert there == {operation: [{"token": [scope]}] for operation, scope in SCOPES.items()}


def test_each_scope_opens_its_operations_and_no_other(programs: dict[Scope, Program], browser: Browser) -> None:
    """Over every operation: who may is answered, if only that there is no such thing; others are told what it takes."""
    reached = {
        scope: {each for each in SCOPES if asked(program, *each) not in (401, 403)}
        for scope, program in programs.items()
    }
    nobody = {asked(Program(browser, None), *each) for each in SCOPES}

    assert reached == {scope: {each for each, needed in SCOPES.items() if needed == scope} for scope in Scope}
    assert nobody == {401}


def test_a_cookie_opens_nothing(browser: Browser) -> None:
    """CSRF: what another site has a browser send is sent without a token."""
    browser.log_in("administrator", PASSWORD)

    looked = browser.get("/api/v1/studies")
    acted = browser.send("/api/v1/models/shadow", "PUT", {}, '{"version": null}')

    assert (looked.status, acted.status) == (401, 401)
    assert looked.headers["www-authenticate"] == "Bearer"
    assert looked.headers["cache-control"] == "no-store"


def test_a_token_opens_no_more_than_its_owner_may_now(filled: Database, programs: dict[Scope, Program]) -> None:
    """Another role holds from the next request on; who is disabled has no token any more."""
    administrator = programs[Scope.ADMINISTER]
    before = administrator.get("/audit").status
    with filled.write() as connection:
        people.set_role(connection, Role.ADMINISTRATOR, Role.VIEWER)
    lowered = administrator.get("/audit")
    with filled.write() as connection:
        people.disable(connection, Role.ADMINISTRATOR, NOW)
    gone = administrator.get("/audit").status

    assert (before, lowered.status, gone) == (200, 403, 401)
    assert lowered.json()["detail"] == "administrator is viewer now; this takes the role administrator."


def test_wrong_tokens_are_throttled(browser: Browser, reader: Program) -> None:
    """As logins are; a right one from the same address is let through."""
    wrong = [Program(browser, "cxr_wrong").get("/status").status for _ in range(11)]

    assert wrong == [401] * 10 + [429]
    assert reader.get("/status").status == 200


def test_views_of_patients_are_audited(reader: Program, filled: Database) -> None:
    """In the name of the token's owner, with the token; no patient's data is in the entries."""
    study = f"/studies/{STUDY}"
    for path in (
        "/studies?accession=A1",
        study,
        f"{study}/reports",
        "/reports?words=DOE",
        "/reports/1",
        "/labels",
        "/jobs",
    ):
        assert reader.get(path).status == 200

    with filled.read() as connection:
        entries = [each for each in reversed(audit.newest(connection, 100)) if each.action.endswith(".view")]
    assert [(each.actor, each.action, each.subject) for each in entries] == [
        ("viewer", "worklist.view", "studies"),
        ("viewer", "study.view", STUDY),
        ("viewer", "study.view", STUDY),
        ("viewer", "reports.view", "list"),
        ("viewer", "report.view", "report 1"),
        ("viewer", "labels.view", "labels"),
    ]
    assert [each.detail.get("part") for each in entries] == [None, None, "reports", None, None, None]
    assert (entries[0].detail["accession"], entries[3].detail["words"]) == ("(given)", "(given)")
    assert not [word for word in ("A1", "DOE", "P1") if word in str([each.detail for each in entries])]


@pytest.mark.parametrize(
    ("said", "status", "sentence"),
    [
        ({"finding": "Mass", "assertion": "negative"}, 422, "Give one of study_instance_uid, accession_number and"),
        ({"finding": "Mass", "assertion": "wrong", "report_id": 1}, 422, "assertion: Input should be 'positive'"),
        ({"finding": "Mass", "assertion": "negative", "accession_number": "B"}, 400, "No report and no study"),
        ({"finding": "Gout", "assertion": "negative", "accession_number": "A1"}, 400, "There is no finding"),
    ],
)
def test_a_correction_that_cannot_be_says_why(
    programs: dict[Scope, Program], said: Mapping[str, Any], status: int, sentence: str
) -> None:
    """In a sentence, and nothing is written."""
    answer = programs[Scope.LABEL].post("/labels/corrections", said)

    assert (answer.status, answer.json()["detail"][: len(sentence)]) == (status, sentence)


def test_a_body_that_is_too_large_is_refused(programs: dict[Scope, Program]) -> None:
    """Before it is taken apart."""
    answer = programs[Scope.LABEL].post("/labels/corrections", {"reason": "x" * 70_000})

    assert (answer.status, answer.json()) == (413, {"detail": "What was sent is too large."})


def test_a_dead_job_is_retried_once(administrator: Program, reader: Program, filled: Database) -> None:
    """The second time it is said that it is queued; the audit log has who did it."""
    (job,) = reader.get("/jobs?state=dead&state=failed").json()["items"]
    first, second = (administrator.post(f"/jobs/{job['id']}/retry") for _ in range(2))

    assert (job["error"], first.json()["state"]) == ("It broke.", "queued")
    assert (second.status, second.json()["detail"]) == (
        409,
        "The job is queued; only a failed or dead one is queued again.",
    )
    with filled.read() as connection:
        assert jobs.get(connection, job["id"]).state is JobState.QUEUED
        assert [e.actor for e in audit.found(connection, 9, action="job.retry")] == ["administrator"]


def test_models_are_shown_and_acts_on_them_refused_in_words(administrator: Program, reader: Program) -> None:
    """A candidate of which nobody knows, a rollback without one before, a bundle that is not there."""
    assert [(each["version"], each["state"]) for each in reader.get("/models").json()] == [
        ("m1", "current"),
        ("m2", "candidate"),
    ]
    refusals = [
        administrator.post("/models/m2/promotion"),
        administrator.post("/models/m2/promotion", {"insist": True}),
        administrator.post("/models/m2/promotion", {"insist": True, "reason": "a trial"}),
        administrator.post("/models/m9/promotion"),
        administrator.post("/models/rollback", {"seen": "m1"}),
        administrator.post("/models/shadow", {"version": "m1"}, "PUT"),
        administrator.post("/models/shadow", {"version": None}, "PUT"),
    ]

    assert [each.status for each in refusals] == [409, 400, 409, 404, 400, 409, 204]
    assert refusals[0].json()["detail"].startswith("Nothing was compared")


def test_callers_are_shown_allowed_seen_and_refused(filled: Database, tmp_path: Path) -> None:
    """As the page and the command show them."""
    peer = {"ae_title": "DX1", "addresses": ["10.1.2.0/24"], "host": "dx1.example.org", "port": 104}
    with filled.write() as connection:
        audit.append(connection, actor="SCANNER", action="association.reject", subject="10.9.9.9", now=NOW)
    token = a_token(filled, Scope.READ)
    with serving(console(filled, tmp_path, Clock(NOW), **{"dicom.peers": [peer]})) as browser:
        shown = Program(browser, token).get("/callers").json()

    assert shown["allowed"] == [peer | {"certificate_name": None}]
    assert [(each["calling_ae"], each["images"]) for each in shown["seen"]] == [("MODALITY", 1)]
    assert [(each["actor"], each["subject"]) for each in shown["refused"]] == [("SCANNER", "10.9.9.9")]


def test_settings_and_versions_are_an_administrators(filled: Database, tmp_path: Path) -> None:
    """The settings as `cxr config show --json` has them; what is secret is not there."""
    secret = {"name": "web", "protocol": "stow", "url": "https://pacs.example.org", "token": "hush"}
    administering = a_token(filled, Scope.ADMINISTER)
    with serving(console(filled, tmp_path, Clock(NOW), destinations=[secret])) as browser:
        program = Program(browser, administering)
        settings, version = program.get("/settings"), program.get("/version").json()

    assert settings.json()["destinations"][0]["token"] == "**********"
    assert "hush" not in settings.text
    expected = load(None, data=tmp_path, destinations=[secret], **{"console.time_zone": "Europe/Berlin"})
    assert settings.json() == expected.model_dump(mode="json")
    assert version == json.loads(CliRunner().invoke(app, ["version", "--json"]).stdout)


def test_a_changed_lexicon_is_tried(filled: Database, tmp_path: Path) -> None:
    """From the file in force to what would change; one at a time, and stopped once."""
    miners: list[InOneProcess] = []
    trials = trials_with(filled, miners)
    with filled.write() as connection:
        minings.record(connection, [reading(1, EFFUSION)])
    labelling = a_token(filled, Scope.LABEL)
    with serving(console(filled, tmp_path, Clock(datetime.now(UTC)), trials=trials)) as browser:
        program = Program(browser, labelling)
        (force,) = [each for each in program.get("/lexicon/files").json() if each["file"] == FILE]
        with filled.write() as connection:
            other = lexicon_trials.begin(
                connection, file=FILE, content="", total=1, actor="anna", now=datetime.now(UTC)
            )
        assert other is not None
        changed = force | {"content": force["content"] + "# mine\n"}
        refused = [program.post("/lexicon/trials", each) for each in (force, changed)]
        running = program.get(f"/lexicon/trials/{other.id}").json()
        stops = [program.post(f"/lexicon/trials/{other.id}/stop") for _ in range(2)]
        begun = program.post("/lexicon/trials", changed)
        trials.join()
        ended = program.get(f"/lexicon/trials/{begun.json()['trial']['id']}").json()
        listed = program.get("/lexicon/trials").json()

    assert [each.status for each in refused] == [400, 409]
    assert refused[1].json()["detail"] == "Another trial is under way; wait for it, or stop it."
    assert (running["runs"], running["trial"]["actor"]) == (True, "anna")
    assert [each.status for each in stops] == [200, 409]
    assert stops[0].json()["trial"]["error"] == "radiologist stopped it."
    assert (begun.status, begun.json()["trial"]["actor"]) == (202, "radiologist")
    assert (ended["runs"], ended["trial"]["outcome"]["compared"]) == (False, 1)
    assert [each["trial"]["id"] for each in listed] == [2, 1]


def test_destinations_are_shown_with_their_backlog(filled: Database, tmp_path: Path) -> None:
    """Where each is, and that nothing waits."""
    pacs = {"name": "pacs", "ae_title": "PACS", "host": "10.0.0.1", "port": 104}
    token = a_token(filled, Scope.READ)
    with serving(console(filled, tmp_path, Clock(NOW), destinations=[pacs])) as browser:
        (shown,) = Program(browser, token).get("/destinations").json()

    assert (shown["name"], shown["destination"]["address"]) == ("pacs", "PACS@10.0.0.1:104")
    assert (shown["last_sent_at"], shown["unsettled"], shown["troubles"]) == (None, {}, [])


def test_the_audit_log_is_listed_and_verified(administrator: Program) -> None:
    """By who, what and whom; page by page."""
    every = administrator.get("/audit?action=token.create").json()["items"]
    first = administrator.get("/audit?action=token.create&limit=1").json()
    older = administrator.get(f"/audit?action=token.create&limit=2&after={first['next']}").json()

    assert [each["detail"]["scopes"] for each in every] == [["administer"], ["label"], ["read"]]
    assert (first["items"], older) == (every[:1], {"items": every[1:], "next": None})
    chain = administrator.get("/audit/verification").json()
    still = administrator.get(f"/audit/verification?noted={chain['last_id']}:{chain['digest']}").json()
    another = administrator.get(f"/audit/verification?noted={chain['last_id']}:{'0' * 64}").json()
    assert (chain["fault"], still["fault"]) == (None, None)
    assert another["broken_id"] == chain["last_id"]


def test_patients_are_masked_where_the_site_wants_that(filled: Database, tmp_path: Path) -> None:
    """Pseudonyms in place of names and numbers, and no DICOM object."""
    reading, labelling = a_token(filled, Scope.READ), a_token(filled, Scope.LABEL)
    study = f"/studies/{STUDY}"
    paths = ("/studies", study, f"{study}/reports", "/reports", "/reports/unlinked", "/reports/1", "/labels")
    with serving(console(filled, tmp_path, Clock(NOW), pseudonyms=Pseudonyms(b"a secret"))) as browser:
        shown = "".join(Program(browser, reading).get(path).text for path in (*paths, "/discrepancies"))
        refused = Program(browser, labelling).get(f"{study}/objects/{RESULT}").status

    assert not [word for word in ("DOE", '"P1"', '"A1"') if word in shown]
    assert "[patient] has a mass." in shown
    assert refused == 403


def test_a_database_that_does_not_answer_is_said(filled: Database, tmp_path: Path) -> None:
    """503 and a sentence: before a token is known, and where it goes away behind that."""
    gone = connect(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    application, looks = console(filled, tmp_path, Clock(NOW)), [each for each in SCOPES if each[0] == "GET"]
    (programs,) = [each.app for each in application.routes if isinstance(each, Mount)]
    basis = programs.state.basis
    programs.state.basis = replace(basis, database=gone)
    tokens = {scope: a_token(filled, scope) for scope in Scope}
    with serving(application) as browser:
        behind = {path: asked(Program(browser, tokens[Scope(SCOPES["GET", path])]), "GET", path) for _, path in looks}
        programs.state.basis = replace(basis, tokens=Tokens(database=gone, now=lambda: NOW))
        answer = Program(browser, "cxr_some-token").get("/settings")

    assert (answer.status, answer.json()) == (503, {"detail": "The database does not answer; try again in a moment."})
    assert {path for path, status in behind.items() if status != 503} == {
        "/health",
        "/settings",
        "/version",
        "/lexicon/files",
    }


def test_the_page_has_every_operation(browser: Browser) -> None:
    """For people, without anything from elsewhere."""
    browser.log_in("viewer", PASSWORD)
    page = browser.get("/api")

    assert page.status == 200
    assert not [path for method, path in SCOPES if f"{method} {path}" not in page.text]
    assert "wait_s" in page.text
    assert "<td>model, report, unsure</td>" in page.text
    assert "//" not in page.text.replace("https://", "")


@pytest.fixture
def everything(migrated_url: str, password_hash: str, tmp_path: Path) -> Iterator[tuple[Any, str]]:
    """The application over a database of either kind, and a token that opens all of it."""
    database = fill(with_people(connect(migrated_url), password_hash), tmp_path)
    made = Tokens(database=database, now=lambda: NOW)
    token = made.create(OWNERS[Scope.ADMINISTER], "all", set(Scope), days=None, by="a test")[1]
    yield console(database, tmp_path, Clock(NOW)), token
    database.close()


def test_nothing_that_is_sent_is_a_fault(everything: tuple[Any, str]) -> None:
    """Whatever fits the document, and what does not: no answer is a 500."""
    app, token = everything
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    faults: list[str] = []

    def ask(case: Case) -> None:
        status = case.call(headers={"Authorization": f"Bearer {token}"}).status_code
        if status >= 500:
            faults.append(f"{case.method} {case.formatted_path}: {status}")

    bounded = hypothesis.settings(max_examples=5, derandomize=True, database=None, deadline=None)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in schemathesis.GenerationMode:
            bounded(hypothesis.given(case=operation.as_strategy(generation_mode=mode))(ask))()

    assert faults == []
