"""What the node takes on associations that others open, as tables."""

from pydicom.uid import UID

from inference import eligibility
from node.destinations import commitment as desk
from node.dicom import acceptance, statuses
from node.dicom.association import Limits
from node.dicom.commitment import CLASS_CONFLICT, NO_SUCH_INSTANCE
from node.sections.receiving import DicomSettings, Hl7Settings
from node.settings import Settings
from node.statement.markdown import code, table


def values(settings: Settings) -> dict[str, str]:
    """What the template calls for of reception."""
    dicom, limits = settings.dicom, Limits()
    return {
        "ae_title": dicom.ae_title,
        "host": settings.host,
        "port": str(dicom.port),
        "max_pdu_bytes": str(limits.max_pdu_bytes),
        "request_s": f"{limits.request_s:g}",
        "idle_s": f"{dicom.idle_s:g}",
        "pdu_s": f"{dicom.pdu_s:g}",
        "max_associations": str(dicom.max_associations),
        "max_associations_per_address": str(dicom.max_associations_per_address),
        "max_instance_mb": str(dicom.max_instance_mb),
        "dicom_tls": encryption(dicom, "dicom", "DICOM"),
        "min_free_mb": str(dicom.min_free_mb),
        "quiet_s": f"{settings.study.quiet_s:g}",
        "accepted_classes": _classes(),
        "transfer_syntaxes": _syntaxes(),
        "peers": _peers(settings),
        "rejections": _rejections(),
        "store_statuses": table(
            ["Status", "Meaning", "What the sender does"],
            [(f"0x{status:04X}", *words) for status, words in statuses.OF_STORE.items()],
        ),
        "commitment_statuses": table(
            ["Status", "Meaning"], [(f"0x{status:04X}", words) for status, words in statuses.OF_COMMITMENT.items()]
        ),
        "no_such_instance": f"0x{NO_SUCH_INSTANCE:04X}",
        "class_conflict": f"0x{CLASS_CONFLICT:04X}",
        "report_first_s": f"{desk.FIRST_DELAY_S:g}",
        "report_longest_s": f"{desk.LONGEST_DELAY_S:g}",
        "report_patience_days": str(desk.PATIENCE.days),
    }


def _classes() -> str:
    rows = []
    for offer in acceptance.OFFERS:
        many = offer.transfer_syntaxes == acceptance.TRANSFER_SYNTAXES
        syntaxes = "all of the table below" if many else ", ".join(syntax.name for syntax in offer.transfer_syntaxes)
        roles = "SCP and SCU" if offer.both_roles else "SCP"
        rows.append((offer.sop_class_uid.name, code(offer.sop_class_uid), syntaxes, roles, _use(offer.sop_class_uid)))
    return table(["SOP Class", "UID", "Transfer syntaxes", "The node's role", "What becomes of an object"], rows)


def _use(sop_class_uid: UID) -> str:
    if sop_class_uid not in acceptance.STORAGE_CLASSES:
        return ""
    return "stored, not read" if sop_class_uid == eligibility.DX_FOR_PROCESSING else "stored; read if a frontal chest"


def _syntaxes() -> str:
    rows = [(number, syntax.name, code(syntax)) for number, syntax in enumerate(acceptance.TRANSFER_SYNTAXES, start=1)]
    return table(["Preference", "Transfer syntax", "UID"], rows)


def _peers(settings: Settings) -> str:
    rows = [
        (
            "any" if peer.ae_title == "*" else code(peer.ae_title),
            ", ".join(str(network) for network in peer.addresses),
            "" if peer.host is None else f"{peer.host}:{peer.port}",
            "yes" if peer.tls else "",
            peer.certificate_name or "",
        )
        for peer in settings.dicom.peers
    ]
    columns = ["Calling AE title", "From", "Listens at", "TLS there", "Name in its certificate"]
    return table(columns, rows, empty="Nobody may open an association.")


def encryption(port: DicomSettings | Hl7Settings, name: str, protocol: str) -> str:
    """Whether a port of these settings is TLS, and for whom."""
    if port.tls_certificate is None:
        return f"These settings make it plain {protocol} (`{name}.tls_certificate` turns TLS on)."
    shown = "must present a certificate" if port.tls_clients else "need no certificate"
    return f"These settings make it {protocol} over TLS; clients {shown}."


def _rejections() -> str:
    rows = [(each.result, each.source, each.reason, each.words) for each in acceptance.REJECTIONS]
    return table(["Result", "Source", "Reason", "When"], rows)
