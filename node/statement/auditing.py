"""What the audit messages say, as a table."""

from node.auditing.events import EVENTS, Event
from node.auditing.syslog import MESSAGE_ID, PRIORITY
from node.sections.security import AuditSettings
from node.settings import Settings
from node.statement.markdown import code, table


def values(settings: Settings) -> dict[str, str]:
    """What the template calls for of audit messages."""
    return {
        "audit_collector": _collector(settings.audit),
        "audit_priority": str(PRIORITY),
        "audit_message_id": MESSAGE_ID,
        "audit_events": table(
            ["The node's act", "EventID", "EventTypeCode", "Action", "Outcome"],
            [(code(action), *_row(event)) for action, event in EVENTS.items()],
        ),
    }


def _collector(settings: AuditSettings) -> str:
    if settings.syslog is None:
        return "With these settings nothing is sent."
    over = "TLS" if settings.tls else settings.transport.upper()
    return f"They go to {code(settings.syslog)}, over {over}."


def _row(event: Event) -> tuple[object, ...]:
    kind = f"{event.type.value} {event.type.meaning}" if event.type else ""
    return f"{event.event_id.value} {event.event_id.meaning}", kind, event.action, event.outcome
