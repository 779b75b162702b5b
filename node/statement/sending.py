"""What the node sends, to whom and in which form, as tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydicom.uid import UID

from db import deliveries
from db.result_records import ResultKind
from node.destinations import ending, outbound, routes, stow
from node.dicom import lines, opening, sender
from node.dicom.commitment import FAILURE_REASONS
from node.dicom.outgoing import MEANINGS, REPORT_CLASSES, Answer, Form, Outgoing, forms
from node.dicom.retriever import FIND, GET, MOVE
from node.dicom.source import MAX_MATCHES
from node.objects.contents import Contents
from node.sections.remote import DestinationSettings
from node.sections.section import TlsSettings
from node.settings import Settings
from node.statement.markdown import code, table
from node.transport.tls import client_tls


def values(settings: Settings, made: Sequence[Contents]) -> dict[str, str]:
    """What the template calls for of sending; `made` is what the node makes."""
    fields = DestinationSettings.model_fields
    return {
        "scu_max_pdu_bytes": str(opening.MAX_PDU_BYTES),
        "scu_idle_s": f"{lines.IDLE_S:g}",
        "max_contexts": str(sender.MAX_CONTEXTS),
        "timeout_s": f"{fields['timeout_s'].default:g}",
        "commitment_wait_s": f"{fields['commitment_wait_s'].default:g}",
        "max_tries": str(deliveries.MAX_TRIES),
        "retry_first_s": f"{ending.FIRST_DELAY_S:g}",
        "retry_longest_s": f"{ending.LONGEST_DELAY_S:g}",
        "delivery_workers": str(settings.work.delivery_workers),
        "destinations": _destinations(settings),
        "profiles": _profiles(made),
        "proposed": _proposed(made),
        "commitment_contexts": ", ".join(UID(syntax).name for _, syntax in sender.COMMITMENT_FORMS),
        "fallback": ", ".join(f"{UID(uid).name} ({code(uid)})" for uid in REPORT_CLASSES),
        "response_statuses": _statuses(),
        "failure_reasons": table(
            ["Failure Reason", "Meaning"], [(f"0x{reason:04X}", words) for reason, words in FAILURE_REASONS.items()]
        ),
        "stow_type": stow.DICOM,
        "stow_class_refused": f"0x{stow.CLASS_NOT_SUPPORTED:04X}",
        "http_statuses": _http(),
        "query_contexts": table(
            ["SOP Class", "UID", "Role"], [(UID(uid).name, code(uid), "SCU") for uid in (FIND, GET, MOVE)]
        ),
        "max_matches": str(MAX_MATCHES),
        "tls_minimum": client_tls(TlsSettings(), "the statement").minimum_version.name.replace("_", "."),
    }


def _destinations(settings: Settings) -> str:
    rows = []
    for each, route in zip(settings.destinations, outbound.routes(settings), strict=True):
        rows.append(
            (
                each.name,
                "STOW-RS" if each.protocol == "stow" else "C-STORE",
                each.url or ("each AE that sent the study" if each.return_to_sender else _address(each)),
                "yes" if each.tls is not None or (each.url or "").startswith("https:") else "",
                each.profile if isinstance(each.profile, str) else _kinds(route.kinds),
                "yes" if each.only_above else "",
                f"within {each.commitment_wait_s:g} s" if each.commitment else "",
                f"{each.timeout_s:g} s",
            )
        )
    columns = ["Destination", "By", "Where", "TLS", "Profile", "Only with a finding", "Commitment", "Timeout"]
    return table(columns, rows, empty="These settings have no destination: results are only stored.")


def _address(each: DestinationSettings) -> str:
    return f"{each.ae_title} at {each.host}:{each.port}"


def _kinds(kinds: Iterable[ResultKind]) -> str:
    wanted = frozenset(kinds)
    return ", ".join(code(kind) for kind in ResultKind if kind in wanted)


def _profiles(made: Sequence[Contents]) -> str:
    rows = []
    for name, kinds in routes.PROFILES.items():
        contexts = {form for each in made if each.kind in kinds for form in _forms(each)}
        rows.append((code(name), _kinds(kinds), len(contexts)))
    return table(["Profile", "Objects", "Presentation contexts proposed for them"], rows)


def _proposed(made: Sequence[Contents]) -> str:
    rows = []
    for each in made:
        found = _forms(each)
        for sop_class_uid in dict.fromkeys(sop_class for sop_class, _ in found):
            syntaxes = (UID(syntax).name for sop_class, syntax in found if sop_class == sop_class_uid)
            rows.append((code(each.kind), UID(sop_class_uid).name, code(sop_class_uid), ", ".join(syntaxes)))
    return table(["Object", "SOP Class", "UID", "Transfer syntaxes, the preferred first"], rows)


def _forms(each: Contents) -> list[Form]:
    outgoing = Outgoing(
        path=Path(),
        sop_class_uid=each.sop_class_uid,
        sop_instance_uid="",
        transfer_syntax_uid=each.transfer_syntax_uid,
    )
    return forms(outgoing)


def _statuses() -> str:
    rows = [("0x0000", "success", _consequence(0))]
    for statuses, words in MEANINGS:
        last = f" to 0x{statuses[-1]:04X}" if len(statuses) > 1 else ""
        rows.append((f"0x{statuses[0]:04X}{last}", words, _consequence(statuses[0])))
    rows.append(("any other", "", _consequence(0xFFFF)))
    return table(["Status", "As the node puts it", "What it does"], rows)


def _consequence(status: int) -> str:
    answer = Answer(status=status)
    if answer.stored:
        return "counts as delivered"
    return "sends it again later" if answer.later else "shows it to a person, who may send it again"


def _http() -> str:
    later = ", ".join(str(status) for status in sorted(stow.LATER))
    rows = [
        ("200", "Each instance is stored, unless the response names it as failed."),
        (later, "Without a Store Instances Response the whole request is repeated later."),
        *(
            (str(status), f"Repeated later; the administrator reads: {words}.")
            for status, words in stow.REASONS.items()
        ),
        ("any other", "What the response says of each instance; what it does not name has failed."),
    ]
    return table(["HTTP status", "What it does"], rows)
