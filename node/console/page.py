"""The console's one page: the node's state as HTML that needs nothing from anywhere else."""

import base64
import hashlib
from html import escape
from string import Template

from db.records import DeliveryState, JobKind, JobState, StudyState
from db.report_records import ReportStatus
from node.console.facts import Facts
from node.implementation import SOFTWARE_VERSION

WORRYING = {
    StudyState.FAILED,
    JobState.FAILED,
    JobState.DEAD,
    DeliveryState.REFUSED,
    DeliveryState.LOST,
    DeliveryState.UNCONFIRMED,
}
"""States that wait for a person."""

STUDY_STATES: dict[str, str] = {
    StudyState.KEPT: "kept, not to be read",
    StudyState.ARRIVING: "arriving",
    StudyState.QUEUED: "waiting to be read",
    StudyState.READ: "read",
    StudyState.NOT_READ: "not read",
    StudyState.FAILED: "failed",
}
JOB_STATES: dict[str, str] = {
    JobState.QUEUED: "queued",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.DEAD: "dead",
}
JOB_KINDS = {JobKind.READ: "read", JobKind.DELIVER: "deliver", JobKind.RETRACT: "retract"}
DELIVERY_STATES: dict[str, str] = {
    DeliveryState.WAITING: "waiting",
    DeliveryState.SENT: "sent",
    DeliveryState.ASKED: "sent, not yet committed",
    DeliveryState.COMMITTED: "committed",
    DeliveryState.REFUSED: "refused",
    DeliveryState.LOST: "accepted and lost there",
    DeliveryState.UNCONFIRMED: "never committed",
    DeliveryState.WITHHELD: "withheld",
    DeliveryState.WITHDRAWN: "withdrawn",
}
REPORT_STATUSES: dict[str, str] = {status: status.value for status in ReportStatus}

STYLE = """
:root { color-scheme: light dark; --paper: #f4f6f8; --card: #fff; --ink: #16202b; --soft: #566474; --line: #dbe2e9;
  --accent: #0b6e75; --bad: #b3261e; --good: #1d7a46; }
@media (prefers-color-scheme: dark) { :root { --paper: #10161c; --card: #18212a; --ink: #e8eef4; --soft: #9fb0c0;
  --line: #2a3642; --accent: #5cc8cf; --bad: #ff8a80; --good: #6fd39b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; justify-content: space-between; }
h1 { margin: 0; font-size: 1.75rem; letter-spacing: -.01em; }
h2 { margin: 0 0 .75rem; font-size: 1rem; }
.state { font-weight: 600; color: var(--good); }
.state::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .5em; border-radius: 50%;
  background: currentColor; }
.state.down { color: var(--bad); }
.notice { margin: 1rem 0 1.75rem; padding: .7rem 1rem; border-left: 4px solid var(--accent); border-radius: 0 6px 6px 0;
  background: var(--card); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; margin-bottom: 1rem; }
section { padding: 1.1rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
section p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
section p.figure { color: var(--ink); font-size: 1.35rem; font-weight: 600; line-height: 1.3; }
h3 { margin: .9rem 0 .15rem; font-size: .8rem; font-weight: 600; color: var(--soft); overflow-wrap: anywhere; }
h2 + h3 { margin-top: 0; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .15rem 0 .15rem .75rem; text-align: right; font-variant-numeric: tabular-nums; }
td { font-weight: 600; }
th { color: var(--soft); font-weight: 400; }
thead th { font-size: .8rem; font-weight: 600; }
th:first-child { padding-left: 0; text-align: left; }
.worrying { color: var(--bad); }
footer { margin-top: 1.5rem; color: var(--soft); font-size: .875rem; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em; }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""What the Content-Security-Policy names, so that no other style is let in."""

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="15">
<title>cxr-node $ae_title</title>
<style>$style</style>
</head>
<body>
<main>
<header><h1>cxr-node <small>$ae_title</small></h1><span class="state $state_class">$state</span></header>
<p class="notice"><strong>Not a medical device.</strong> Not for clinical use.</p>
$content
<footer>Version $version. This page shows counts and nothing of a patient, and is renewed every 15 seconds.
<code>/health</code> has the same for machines.</footer>
</main>
</body>
</html>
""")


def render(ae_title: str, facts: Facts | None) -> str:
    """The page; without facts it says that the database does not answer."""
    return PAGE.substitute(
        ae_title=escape(ae_title),
        style=STYLE,
        state="running" if facts else "the database does not answer",
        state_class="" if facts else "down",
        content=_content(facts) if facts else _DOWN,
        version=escape(SOFTWARE_VERSION),
    )


_DOWN = """<section><h2>Nothing can be shown now</h2>
<p>The node refuses images and reports until its database answers, and senders keep them and send them again.
This page looks again by itself.</p></section>"""


def _content(facts: Facts) -> str:
    model = facts.model or "none promoted"
    destinations = sorted({name.rpartition(".")[0] for name in facts.deliveries})
    deliveries = [
        f"<h3>To {escape(name)}</h3>{_counts(DELIVERY_STATES, _under(facts.deliveries, name))}" for name in destinations
    ]
    return "\n".join(
        (
            '<div class="cards">',
            _card("Model in service", f'<p class="figure">{escape(model)}</p>'),
            _card("Free on disk", f'<p class="figure">{facts.free_bytes / 1024**3:.1f} GiB</p>'),
            '</div>\n<div class="cards">',
            _card("Studies", _counts(STUDY_STATES, facts.studies)),
            _card("Jobs", _jobs(facts.jobs)),
            _card("Deliveries", "".join(deliveries) or "<p>None yet.</p>"),
            _card("Report versions", _counts(REPORT_STATUSES, facts.reports)),
            "</div>",
            _card("Worklist", _WORKLIST),
        )
    )


_WORKLIST = """<p>There is no worklist in this version. Results are in the PACS, in the study of the image;
<code>cxr studies</code> lists the studies on this machine.</p>"""


def _under(counts: dict[str, int], prefix: str) -> dict[str, int]:
    """The counts named `prefix.state`, by state."""
    return {name.rpartition(".")[2]: count for name, count in counts.items() if name.rpartition(".")[0] == prefix}


def _jobs(counts: dict[str, int]) -> str:
    kinds = "".join(f'<th scope="col">{words}</th>' for words in JOB_KINDS.values())
    rows = ""
    for state, words in JOB_STATES.items():
        cells = "".join(_cell(state, counts.get(f"{kind}.{state}", 0)) for kind in JOB_KINDS)
        rows += f'<tr><th scope="row">{words}</th>{cells}</tr>'
    return f"<table><thead><tr><th></th>{kinds}</tr></thead><tbody>{rows}</tbody></table>"


def _counts(states: dict[str, str], counts: dict[str, int]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(words)}</th>{_cell(state, counts.get(state, 0))}</tr>'
        for state, words in states.items()
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _cell(state: str, count: int) -> str:
    mark = ' class="worrying"' if state in WORRYING and count else ""
    return f"<td{mark}>{count}</td>"


def _card(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"
