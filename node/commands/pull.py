"""`cxr pull`: bring images in from an archive."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

import typer

from node import premises
from node.commands import progress
from node.commands.collection import open_node
from node.commands.options import ConfigOption, DataOption, JsonOption, print_json, print_table, settings_of
from node.dicom.source import Wanted
from node.errors import NodeError, SettingsError, UnreachableError
from node.learning import inspection
from node.process.clock import utc_now
from node.retrieval import inbound, window
from node.retrieval.pull import Done, Outcome, Pull
from node.sections.remote import SourceSettings

SHOWN = 20
"""Failures that are named."""


class PullError(NodeError):
    """A pull ended early; the text says what came and what to do."""


@dataclass(slots=True)
class Summary:
    """What a pull has done so far."""

    source: str
    asked: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    instances: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    failures: list[Done] = field(default_factory=list)
    would_come: list[Done] = field(default_factory=list)

    def add(self, done: Done) -> None:
        """Count an outcome."""
        self.outcomes[done.outcome] += 1
        self.instances += done.new
        self.refused += done.refused
        if done.outcome is Outcome.FAILED:
            self.failures.append(done)
        elif done.outcome is Outcome.WOULD_COME:
            self.would_come.append(done)

    def line(self) -> str:
        """The counts in a line; what did not occur is left out, but for what came."""
        first = Outcome.WOULD_COME if self.would_come else Outcome.BROUGHT_IN
        parts = [f"{self.outcomes[first]} {'study' if self.outcomes[first] == 1 else 'studies'} {first}"]
        parts += [f"{self.instances} new objects"] if not self.would_come else []
        parts += [f"{self.outcomes[each]} {each}" for each in Outcome if each != first and self.outcomes[each]]
        return f"{self.asked} asked for: " + ", ".join(parts)


def pull(
    study: Annotated[str | None, typer.Option("--study", help="The study with this Study Instance UID.")] = None,
    accession: Annotated[str | None, typer.Option("--accession", help="The studies of this accession number.")] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="What reports wait for, and what a pull before left unfinished.")
    ] = False,
    source: Annotated[
        str | None, typer.Option("--from", help="Name of the source; not needed where the settings have one.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Bring in at most so many studies.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask, and say what would be brought in.")] = False,
    read: Annotated[
        bool, typer.Option("--read", help="Have the studies read, and their results sent, as if a modality sent them.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Also outside of the source's window.")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring images in from an archive of [[sources]]: by C-GET, C-MOVE to the running node, or DICOMweb.

    What comes is stored as C-STORE stores it, each object once, and linked to its reports. It is kept to learn from and
    not read, unless --read says so. What is here is not asked for again; begun again after whatever stopped it, a pull
    goes on. The source's settings say how many studies a minute and at which hours; outside of these nothing is done.
    The exit code is 1 if anything failed or was refused.

    Example: cxr pull --missing --limit 500
    """
    if sum((study is not None, accession is not None, missing)) != 1:
        raise SettingsError("say what to bring in: --study UID, --accession NUMBER or --missing")
    settings = settings_of(config, data)
    chosen = inbound.chosen(settings, source)
    may_go_on = _window(chosen, always=now or dry_run)
    summary, began = Summary(source=chosen.name), time.monotonic()
    with open_node(settings, config, data) as (database, store), closing(inbound.source_of(settings, chosen)) as way:
        work = Pull(
            name=chosen.name,
            source=way,
            database=database,
            intake=premises.open_intake(settings, database, store, read=False, now=utc_now),
            chest_only=chosen.chest_only,
            now=utc_now,
            pace=window.Pace(chosen.studies_per_minute, time.monotonic, time.sleep),
            may_go_on=may_go_on,
            read=read,
            dry_run=dry_run,
        )
        named = Wanted(study_instance_uid=study or "", accession_number=accession or "")
        whole = _brought_in(work, work.missing() if missing else [named], limit, summary)
        if not read and summary.instances:
            inspection.look(database, store, settings.reading.policy, lambda _: None)
    _print(summary, time.monotonic() - began, whole=whole, window_text=chosen.window, as_json=as_json)
    if summary.failures or summary.refused:
        raise typer.Exit(1)


def _brought_in(work: Pull, wanted: Sequence[Wanted], limit: int | None, summary: Summary) -> bool:
    """Bring in and count; False if the window closed before the end."""
    with progress.meter(len(wanted)) as meter:

        def asked() -> Iterator[Wanted]:
            for each in wanted:
                yield each
                summary.asked += 1
                meter.advance(1)
                meter.show(summary.line())

        try:
            return work.bring(asked(), limit, lambda _wanted, done: summary.add(done))
        except UnreachableError as error:
            raise PullError(f"{error}. {summary.line()}; begin again, it goes on from here") from error


def _window(chosen: SourceSettings, *, always: bool) -> Callable[[], bool]:
    """Whether the next study may be begun.

    Raises:
        SettingsError: it may not now; the text says when it may.
    """
    if always or chosen.window is None:
        return lambda: True
    hours = window.parsed(chosen.window)
    local = _local_now()
    if not hours.is_open(local):
        raise SettingsError(
            f"{chosen.name} may be asked {chosen.window}, next at {hours.opens(local):%Y-%m-%d %H:%M}; "
            "begin then, or add --now"
        )
    return lambda: hours.is_open(_local_now())


def _local_now() -> datetime:
    return datetime.now().astimezone()


def _print(summary: Summary, seconds: float, *, whole: bool, window_text: str | None, as_json: bool) -> None:
    if as_json:
        print_json(_plain(summary) | {"stopped_by_window": not whole, "seconds": round(seconds, 1)})
        return
    if summary.would_come:
        rows = [(each.study_instance_uid, " ".join(each.modalities), each.instances) for each in summary.would_come]
        print_table(("would be brought in", "modalities", "objects"), rows, empty="")
    if summary.failures:
        rows_failed = [(each.study_instance_uid or "(none)", each.words) for each in summary.failures[:SHOWN]]
        print_table(("study", "failed because"), rows_failed, empty="")
    if summary.refused:
        print_table(("objects refused", "because"), [(n, why) for why, n in summary.refused.items()], empty="")
    typer.echo(f"{summary.line()}, in {seconds:.0f} s.")
    if not whole:
        typer.echo(f"The hours {window_text} are over; the same command goes on in the next ones.")


def _plain(summary: Summary) -> dict[str, Any]:
    counts = {each.name.lower(): summary.outcomes[each] for each in Outcome}
    failures = [{"study_instance_uid": each.study_instance_uid, "reason": each.words} for each in summary.failures]
    would_come = [
        {
            name: value
            for name, value in asdict(each).items()
            if name in ("study_instance_uid", "modalities", "instances")
        }
        for each in summary.would_come
    ]
    return {
        "source": summary.source,
        "asked": summary.asked,
        **counts,
        "new_instances": summary.instances,
        "refused": [{"reason": reason, "count": number} for reason, number in summary.refused.items()],
        "failures": failures,
        "studies": would_come,
    }
