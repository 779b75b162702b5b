"""The HL7 interface, as tables."""

from node.hl7 import charset, message
from node.hl7.acknowledgement import accept_code
from node.hl7.connection import Limits
from node.hl7.errors import ERRORS, Condition
from node.hl7.fields import FIELDS
from node.hl7.report import MAX_REPORTS, STATUS, STUDY_UID_CODES, TEXT_TYPES
from node.settings import Settings
from node.statement.markdown import code, table
from node.statement.reception import encryption


def values(settings: Settings) -> dict[str, str]:
    """What the template calls for of HL7."""
    hl7, limits = settings.hl7, Limits()
    versions = [version for number in range(10) if message.VERSIONS.fullmatch(version := f"2.{number}")]
    return {
        "hl7_port": str(hl7.port),
        "hl7_peers": ", ".join(str(network) for network in hl7.peers),
        "hl7_max_connections": str(hl7.max_connections),
        "hl7_max_message_mb": str(hl7.max_message_mb),
        "hl7_message_s": f"{hl7.message_s:g}",
        "hl7_idle_s": f"{hl7.idle_s:g}",
        "hl7_noise_s": f"{limits.noise_s:g}",
        "hl7_tls": encryption(hl7, "hl7", "MLLP"),
        "hl7_type": f"{message.MESSAGE_TYPE}^{message.TRIGGER_EVENT}",
        "hl7_oldest": versions[0],
        "hl7_newest": versions[-1],
        "hl7_max_reports": str(MAX_REPORTS),
        "hl7_max_messages": str(message.MAX_MESSAGES),
        "accession_from": ", ".join(hl7.accession_from),
        "hl7_fields": table(["Field", "Use"], [(f"{each.segment}-{each.number}", each.use) for each in FIELDS]),
        "text_types": ", ".join(code(each) for each in sorted(TEXT_TYPES) if each),
        "study_uid_codes": ", ".join(code(each) for each in sorted(STUDY_UID_CODES)),
        "report_statuses": _statuses(),
        "acknowledgements": _acknowledgements(),
        "conditions": table(
            ["ERR code (HL7 table 0357)", "Meaning"], [(int(each), each.meaning) for each in Condition]
        ),
        "undeclared": ", ".join(code(name) for name in charset.UNDECLARED),
        "hl7_character_sets": _character_sets(),
    }


def _statuses() -> str:
    rows = []
    for status in dict.fromkeys(STATUS.values()):
        rows.append((status.value, ", ".join(code(word) for word, meant in STATUS.items() if meant is status)))
    return table(["A report is", "where OBR-25 or OBX-11 says"], rows)


def _acknowledgements() -> str:
    rows = [("AA", accept_code("AA"), "The message and its reports are committed to the database.")]
    rows += [(each.acknowledgement, accept_code(each.acknowledgement), each.meaning) for each in ERRORS]
    return table(["Original mode, and application acknowledgement", "Accept acknowledgement", "When"], rows)


def _character_sets() -> str:
    named = {codec: [] for codec in charset.CODECS.values()}  # type: dict[str, list[str]]
    for name, codec in charset.CODECS.items():
        named[codec].append(code(name))
    rows = [(", ".join(code(name) for name in sorted(charset.ASCII) if name) + ", empty", "ASCII (see below)")]
    rows += [(", ".join(names), codec) for codec, names in named.items()]
    rows.append(
        (", ".join(code(name) for name in sorted(charset.JAPANESE)), "ISO 2022 with escape sequences, Japanese")
    )
    return table(["MSH-18", "Character set"], rows)
