"""`cxr agreement`: how far the model agrees with the reports, and how that goes over time."""

from typing import Annotated

import typer

from db.agreement import Group
from node.agreement.course import Course, courses
from node.agreement.measures import Figure
from node.agreement.outline import outline
from node.commands.options import ConfigOption, DataOption, JsonOption, opened, print_json, print_table, settings_of
from node.labels import correction
from node.process.clock import utc_now


def agreement(
    config: ConfigOption = None,
    data: DataOption = None,
    finding: Annotated[str | None, typer.Option(help="Only this finding, and its weeks.")] = None,
    model: Annotated[str | None, typer.Option(help="Only readings by this model version.")] = None,
    sender: Annotated[str | None, typer.Option(help="Only images that this AE title sent.")] = None,
    view: Annotated[str | None, typer.Option(help="Only this view: PA or AP.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show kappa, PPV and sensitivity of each finding against the reports, with 95 % intervals.

    Kappa of the last weeks stands beside that of the weeks before; where it has left its band, a star says so. Reports
    that came after the result, and what they call uncertain, are left out.

    Example: cxr agreement --finding Effusion --sender CR1
    """
    name = None if finding is None else correction.finding_named(finding)
    band = settings_of(config, data).agreement.within
    with opened(config, data).read() as connection:
        group = Group(finding=name, model_version=model, sender=sender, view=view)
        found = courses(connection, group, band, utc_now())
    if as_json:
        print_json([outline(each) for each in found])
    elif name is None:
        _show(found, recent=band.recent, earlier=band.earlier)
    else:
        _show_weeks(found[0])


def _show(found: list[Course], *, recent: int, earlier: int) -> None:
    if not any(each.whole.readings for each in found):
        found = []
    print_table(
        (
            "finding",
            "readings",
            f"kappa, {recent} weeks",
            f"kappa, {earlier} before",
            "PPV",
            "sensitivity",
            "left band",
        ),
        [
            (
                each.finding,
                each.whole.readings,
                _figure(each.recent.kappa),
                _figure(each.earlier.kappa),
                _figure(each.whole.ppv),
                _figure(each.whole.sensitivity),
                "*" if each.left else "",
            )
            for each in found
        ],
        empty="Nothing to compare yet: studies need a result, and a mined report that came before it.",
    )


def _show_weeks(course: Course) -> None:
    print_table(
        ("week", "readings", "kappa", "PPV", "sensitivity"),
        [
            (f"{week:%Y-%m-%d}", counts.readings, *map(_figure, (counts.kappa, counts.ppv, counts.sensitivity)))
            for week, counts in course.weeks.items()
        ],
        empty="Nothing to compare yet.",
    )


def _figure(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"
