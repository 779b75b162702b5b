"""The table of pages: everything that can be asked for, and the least role that may. None is everybody."""

from collections.abc import Collection

from starlette.responses import RedirectResponse, Response

from db.people_records import Role
from node.console.access import LOGIN, Page, Visit
from node.console.agreement import Agreement
from node.console.audit_log import AuditLog
from node.console.callers import CallersPage
from node.console.destinations import DestinationPages
from node.console.discrepancies import Discrepancies
from node.console.downloads import Downloads
from node.console.imaging import Imaging
from node.console.jobs import JobPages
from node.console.labels import Labels
from node.console.lexicon import Lexicon
from node.console.live import Live
from node.console.login import Login
from node.console.logout import RETURN as LEFT
from node.console.logout import Logout
from node.console.models import Models
from node.console.promoting import Promoting
from node.console.provider_login import BEGIN, RETURN, ProviderLogin
from node.console.reference import Reference
from node.console.report_search import ReportSearch
from node.console.reports import Reports
from node.console.settings_in_force import SettingsInForce
from node.console.static import Static
from node.console.study import StudyPage
from node.console.system import System
from node.console.tokens import TokenPages
from node.console.trainings import Trainings
from node.console.viewing import Viewing
from node.console.worklist import Worklist
from node.telemetry.watch import Watch

LOOK, JUDGE, ACT = Role.VIEWER, Role.RADIOLOGIST, Role.ADMINISTRATOR


def of_studies(
    *, worklist: Worklist, live: Live, viewing: Viewing, study: StudyPage, imaging: Imaging, downloads: Downloads
) -> tuple[Page, ...]:
    """The worklist and one study. To take objects along is for who judges: it puts a patient's data elsewhere."""
    of = "/studies/{study_uid}"
    return (
        Page(path="/", role=LOOK, show=lambda _visit: RedirectResponse("/studies", status_code=303)),
        Page(path="/studies", role=LOOK, show=worklist.show, title="Studies"),
        Page(path="/worklist/rows", role=LOOK, show=worklist.rows, by_itself=True),
        Page(path="/worklist/changes", role=LOOK, show=live.changes, by_itself=True),
        Page(path=of, role=LOOK, show=study.show),
        Page(path=f"{of}/unmask", role=LOOK, show=viewing.unmask, method="POST"),
        Page(path=f"{of}/images/{{number:int}}/heat", role=LOOK, show=imaging.heat),
        Page(path=f"{of}/images/{{number:int}}/{{size}}", role=LOOK, show=imaging.radiograph),
        Page(path=f"{of}/instances/{{number:int}}", role=JUDGE, show=downloads.instance),
        Page(path=f"{of}/results/{{number:int}}", role=JUDGE, show=downloads.result),
        Page(path=f"{of}/read", role=ACT, show=study.read_again, method="POST"),
        Page(path=f"{of}/send", role=ACT, show=study.send_again, method="POST"),
        Page(path=f"{of}/retract", role=JUDGE, show=study.retract, method="POST"),
    )


def of_labels(*, search: ReportSearch, reports: Reports, labels: Labels, lexicon: Lexicon) -> tuple[Page, ...]:
    """Reports, and the labels that they and people gave."""
    return (
        Page(path="/reports", role=LOOK, show=search.show, title="Reports"),
        Page(path="/reports/{report_id}", role=LOOK, show=reports.show),
        Page(path="/reports/{report_id}/labels", role=JUDGE, show=reports.correct, method="POST"),
        Page(path="/reports/{report_id}/undo", role=JUDGE, show=reports.take_back, method="POST"),
        Page(path="/labels", role=LOOK, show=labels.show, title="Labels"),
        Page(path="/labels/table.csv", role=LOOK, show=labels.table),
        Page(path="/labels/all.csv", role=JUDGE, show=labels.every),
        Page(path="/lexicon", role=JUDGE, show=lexicon.show),
        Page(path="/lexicon", role=JUDGE, show=lexicon.begin, method="POST"),
        Page(path="/lexicon/{trial_id}", role=JUDGE, show=lexicon.trial),
        Page(path="/lexicon/{trial_id}/progress", role=JUDGE, show=lexicon.progress, by_itself=True),
        Page(path="/lexicon/{trial_id}/stop", role=JUDGE, show=lexicon.stop, method="POST"),
    )


def of_agreement(*, discrepancies: Discrepancies, agreement: Agreement) -> tuple[Page, ...]:
    """Model against reports."""
    return (
        Page(path="/discrepancies", role=LOOK, show=discrepancies.show, title="Discrepancies"),
        Page(path="/discrepancies", role=JUDGE, show=discrepancies.decide, method="POST"),
        Page(path="/agreement", role=LOOK, show=agreement.show, title="Agreement"),
    )


def of_models(*, models: Models, promoting: Promoting, trainings: Trainings) -> tuple[Page, ...]:
    """Models and trainings."""
    return (
        Page(path="/models", role=LOOK, show=models.show, title="Models"),
        Page(path="/models/rollback", role=ACT, show=promoting.roll_back, method="POST"),
        Page(path="/models/shadow/off", role=ACT, show=promoting.end_shadow, method="POST"),
        Page(path="/models/{version}", role=LOOK, show=models.one),
        Page(path="/models/{version}/comparison", role=LOOK, show=models.comparison, by_itself=True),
        Page(path="/models/{version}/compare", role=ACT, show=promoting.compare, method="POST"),
        Page(path="/models/{version}/promote", role=ACT, show=promoting.promote, method="POST"),
        Page(path="/models/{version}/shadow", role=ACT, show=promoting.cast_shadow, method="POST"),
        Page(path="/trainings", role=LOOK, show=trainings.show, title="Training"),
        Page(path="/trainings", role=ACT, show=trainings.start, method="POST"),
        Page(path="/trainings/{version}", role=LOOK, show=trainings.one),
        Page(path="/trainings/{version}/progress", role=LOOK, show=trainings.progress, by_itself=True),
        Page(path="/trainings/{version}/stop", role=ACT, show=trainings.stop, method="POST"),
        Page(path="/trainings/{version}/go-on", role=ACT, show=trainings.go_on, method="POST"),
    )


def of_system(
    *,
    system: System,
    jobs: JobPages,
    destinations: DestinationPages,
    callers: CallersPage,
    audit_log: AuditLog,
    in_force: SettingsInForce,
) -> tuple[Page, ...]:
    """How the node runs: everybody sees it, an administrator acts, and sees who did what."""
    return (
        Page(path="/system", role=LOOK, show=system.show, title="System"),
        Page(path="/system/counts", role=LOOK, show=system.counts, by_itself=True),
        Page(path="/system/jobs", role=LOOK, show=jobs.show),
        Page(path="/system/jobs/retry", role=ACT, show=jobs.retry, method="POST"),
        Page(path="/system/destinations", role=LOOK, show=destinations.show),
        Page(path="/system/destinations/test", role=ACT, show=destinations.test, method="POST"),
        Page(path="/system/callers", role=LOOK, show=callers.show),
        Page(path="/system/audit", role=ACT, show=audit_log.show),
        Page(path="/system/audit/verification", role=ACT, show=audit_log.verify),
        Page(path="/system/settings", role=ACT, show=in_force.show),
    )


def of_people(
    *, login: Login, logout: Logout, tokens: TokenPages, reference: Reference, static: Static
) -> tuple[Page, ...]:
    """Logging in and out, one's own account, and what pages are made of."""
    return (
        Page(path="/account", role=LOOK, show=login.account, title="Account"),
        Page(path="/account", role=LOOK, show=login.change_password, method="POST", secret=True),
        Page(path="/account/tokens", role=LOOK, show=tokens.show),
        Page(path="/account/tokens", role=LOOK, show=tokens.create, method="POST"),
        Page(path="/account/tokens/revoke", role=LOOK, show=tokens.revoke, method="POST"),
        Page(path="/api", role=LOOK, show=reference.show),
        Page(path=LOGIN, role=None, show=login.show),
        Page(path=LOGIN, role=None, show=login.enter, method="POST", secret=True),
        Page(path="/logout", role=LOOK, show=logout.leave, method="POST"),
        Page(path="/static/{name}", role=None, show=static.show),
    )


def of_provider(login: ProviderLogin, logout: Logout) -> tuple[Page, ...]:
    """Logging in and out by the site's identity provider."""
    return (
        Page(path=BEGIN, role=None, show=login.begin),
        Page(path=RETURN, role=None, show=login.come_back),
        Page(path=LEFT, role=None, show=logout.come_back),
    )


def of_machines(watch: Watch, watched: Collection[str]) -> tuple[Page, ...]:
    """For machines that watch; they log in nowhere, and are told nothing of a patient."""
    return tuple(Page(path=path, role=None, show=lambda visit: _watched(watch, visit)) for path in watched)


def _watched(watch: Watch, visit: Visit) -> Response:
    answer = watch.answer(visit.request.url.path)
    return Response(answer.body, status_code=answer.status, headers={"Content-Type": answer.content_type})
