"""Character sets of HL7 messages, by the name in MSH-18 (HL7 v2.8 §2.14.9.18, table 0211)."""

import re

from node.hl7.errors import Condition, MalformedMessageError

UNDECLARED = ("utf-8", "cp1252", "latin-1")
"""MSH-18 left out means ASCII; who leaves it out and sends more than ASCII means one of these. The first that fits."""

CODECS = {
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "ISOIR14": "shift_jis",
    "ISOIR192": "utf-8",
    "GB180302000": "gb18030",
    "GB18030": "gb18030",
    "KSX1001": "euc_kr",
    "BIG5": "big5",
}
CODECS |= {f"8859{part}": f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))}
CODECS |= {f"ISO8859{part}": f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))}
CODECS |= {f"WINDOWS125{page}": f"cp125{page}" for page in range(9)}
CODECS |= {f"CP125{page}": f"cp125{page}" for page in range(9)}
# The ISO registrations, as DICOM writes the same sets.
CODECS |= {
    f"ISOIR{registration}": f"iso8859-{part}"
    for registration, part in ((100, 1), (101, 2), (109, 3), (110, 4), (144, 5), (127, 6), (126, 7), (138, 8), (148, 9))
}
"""Names without what is no letter or digit, as they are compared, to Python's codecs."""
ASCII = {"", "ASCII", "USASCII", "ISOIR6"}
JAPANESE = {"ISOIR87", "ISOIR13", "ISOIR159"}


def codec(names: list[str]) -> str | None:
    """Python's codec for the repetitions of MSH-18, or None for ASCII and for nothing said.

    Alternate sets are reached by ISO 2022 escape sequences; of these the Japanese ones are known.

    Raises:
        MalformedMessageError: a character set that the node does not know.
    """
    keys = [re.sub(r"[^A-Z0-9]", "", name.upper()) for name in names] or [""]
    if JAPANESE.intersection(keys):
        return "iso2022_jp_2"
    if len([key for key in keys if key not in ASCII]) > 1:
        raise MalformedMessageError(Condition.TABLE_VALUE_NOT_FOUND, "MSH-18 combines character sets; send one")
    if keys[0] in ASCII:
        return None
    if keys[0] not in CODECS:
        raise MalformedMessageError(Condition.TABLE_VALUE_NOT_FOUND, "MSH-18 names a character set not known here")
    return CODECS[keys[0]]


def decode(content: bytes, name: str | None) -> tuple[str, str]:
    """The text of a message, and the codec that fitted.

    Raises:
        MalformedMessageError: the bytes are not of the character set that the message names.
    """
    if name is not None:
        try:
            return content.decode(name), name
        except UnicodeDecodeError as error:
            text = "the message is not in the character set that MSH-18 names"
            raise MalformedMessageError(Condition.DATA_TYPE_ERROR, text) from error
    for candidate in UNDECLARED:
        try:
            return content.decode(candidate), candidate
        except UnicodeDecodeError:
            continue
    raise MalformedMessageError(Condition.DATA_TYPE_ERROR, "the message is not text")
