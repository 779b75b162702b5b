"""The sections of the console: its pages, made on one ground."""

from collections.abc import Callable, Mapping
from typing import Any

from node.console import pages
from node.console.access import Cookie, Page
from node.console.agreement import Agreement
from node.console.audit_log import AuditLog
from node.console.callers import CallersPage
from node.console.destinations import DestinationPages
from node.console.discrepancies import Discrepancies
from node.console.downloads import Downloads
from node.console.ground import Ground
from node.console.imaging import Imaging, Pictures
from node.console.jobs import JobPages
from node.console.labels import Labels
from node.console.lexicon import Lexicon
from node.console.live import Live
from node.console.login import Login
from node.console.logout import Logout
from node.console.models import Models
from node.console.promoting import Promoting
from node.console.provider_login import BEGIN, ProviderLogin
from node.console.reference import Reference
from node.console.report_search import ReportSearch
from node.console.reports import Reports
from node.console.sessions import Sessions
from node.console.settings_in_force import SettingsInForce
from node.console.static import Static
from node.console.study import StudyPage
from node.console.system import System
from node.console.tokens import TokenPages
from node.console.trainings import Trainings
from node.console.worklist import Worklist
from node.identity.tokens import Tokens
from node.labels.trials import Trials
from node.study.acts import Acts


def studies(on: Ground, live: Live, pictures: Pictures) -> tuple[Page, ...]:
    """The worklist and one study."""
    return pages.of_studies(
        worklist=Worklist(database=on.database, frame=on.frame, viewing=on.viewing, pictures=pictures, zone=on.zone),
        live=live,
        viewing=on.viewing,
        study=StudyPage(
            database=on.database,
            acts=Acts(database=on.database, now=on.now),
            frame=on.frame,
            viewing=on.viewing,
            pictures=pictures,
            viewer_url=on.settings.console.viewer_url,
            fixed=on.fixed,
            zone=on.zone,
        ),
        imaging=Imaging(database=on.database, pictures=pictures),
        downloads=Downloads(database=on.database, store=on.store, viewing=on.viewing, now=on.now),
    )


def labels(on: Ground, trials: Trials) -> tuple[Page, ...]:
    """Reports and labels, and the lexicon that another could take the place of."""
    return pages.of_labels(
        search=ReportSearch(database=on.database, frame=on.frame, viewing=on.viewing, zone=on.zone),
        reports=Reports(database=on.database, frame=on.frame, viewing=on.viewing, now=on.now),
        labels=Labels(database=on.database, frame=on.frame, viewing=on.viewing, mask=on.mask),
        lexicon=Lexicon(database=on.database, frame=on.frame, trials=trials, now=on.now),
    )


def agreement(on: Ground) -> tuple[Page, ...]:
    """Model against reports."""
    band = on.settings.agreement.within
    return pages.of_agreement(
        discrepancies=Discrepancies(database=on.database, frame=on.frame, viewing=on.viewing, now=on.now),
        agreement=Agreement(database=on.database, frame=on.frame, band=band, now=on.now),
    )


def learning(on: Ground) -> tuple[Page, ...]:
    """Models and trainings."""
    data = on.settings.data
    models = Models(database=on.database, frame=on.frame, now=on.now, zone=on.zone, fixed=on.fixed)
    return pages.of_models(
        models=models,
        promoting=Promoting(database=on.database, data=data, pages=models, now=on.now),
        trainings=Trainings(database=on.database, data=data, frame=on.frame, now=on.now),
    )


def system(on: Ground) -> tuple[Page, ...]:
    """How the node runs."""
    return pages.of_system(
        system=System(database=on.database, data=on.settings.data, frame=on.frame, now=on.now),
        jobs=JobPages(database=on.database, announce=on.announce, frame=on.frame, now=on.now),
        destinations=DestinationPages(settings=on.settings, database=on.database, frame=on.frame, now=on.now),
        callers=CallersPage(settings=on.settings, database=on.database, frame=on.frame),
        audit_log=AuditLog(
            database=on.database, viewing=on.viewing, frame=on.frame, collector=on.settings.audit.syslog
        ),
        in_force=SettingsInForce(settings=on.settings, frame=on.frame),
    )


def people(
    on: Ground,
    sessions: Sessions,
    cookie: Cookie,
    logout: Logout,
    *,
    tokens: Tokens,
    document: Callable[[], Mapping[str, Any]],
) -> tuple[Page, ...]:
    """Logging in and out, one's own account, and what programs find; `document` makes the description of that."""
    oidc = on.settings.console.oidc
    return pages.of_people(
        login=Login(
            sessions=sessions,
            cookie=cookie,
            frame=on.frame,
            provider=BEGIN if oidc else None,
            passwords=oidc is None or oidc.passwords,
        ),
        logout=logout,
        tokens=TokenPages(tokens=tokens, frame=on.frame),
        reference=Reference(document=document, frame=on.frame),
        static=Static(),
    )


def provider(on: Ground, sessions: Sessions, cookie: Cookie, logout: Logout) -> tuple[Page, ...]:
    """Logging in and out by the site's identity provider, if it has one."""
    if logout.identity is None:
        return ()
    login = ProviderLogin(identity=logout.identity, sessions=sessions, cookie=cookie, frame=on.frame, now=on.now)
    return pages.of_provider(login, logout)
