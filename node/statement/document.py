"""The conformance statement: prose from `conformance.md`, and everything that is a fact from the code and settings."""

from pathlib import Path
from string import Template

from node.objects.contents import contents
from node.settings import Settings
from node.statement import auditing, created, markdown, reception, reports, sending

TEMPLATE = Path(__file__).with_name("conformance.md")


def conformance(settings: Settings) -> str:
    """The statement of a node with these settings, in Markdown; it holds no secret."""
    made = contents()
    values = (
        reception.values(settings)
        | sending.values(settings, made)
        | created.values(made)
        | reports.values(settings)
        | auditing.values(settings)
    )
    template = Template(TEMPLATE.read_text("utf-8"))
    headings = template.substitute(values, contents="")
    return template.substitute(values, contents=markdown.contents(headings))
