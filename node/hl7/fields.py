"""Which fields of a message are used, and for what. A test reads a message and finds that it is these."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a segment, by its number."""

    segment: str
    number: int
    use: str


FIELDS = (
    Field("MSH", 1, "Field separator. Required."),
    Field("MSH", 2, "The other delimiters; who needs fewer may leave the last ones out."),
    Field("MSH", 3, "Sending application: with MSH-4, MSH-10 and a digest, which message it is. Back as MSH-5."),
    Field("MSH", 4, "Sending facility: the same, and whose report it is. Back as MSH-6."),
    Field("MSH", 5, "Back as MSH-3."),
    Field("MSH", 6, "Back as MSH-4."),
    Field("MSH", 7, "The message's time; of a report, if OBR-22 is empty."),
    Field("MSH", 9, "Message type and trigger event. Required."),
    Field("MSH", 10, "Control id. Required; back as MSA-2."),
    Field("MSH", 11, "Processing id; back as it is."),
    Field("MSH", 12, "Version. Required; the answer is of the same version."),
    Field("MSH", 15, "When an accept acknowledgement is wanted; filled, it chooses enhanced mode."),
    Field("MSH", 16, "When an application acknowledgement is wanted; filled, it chooses enhanced mode."),
    Field("MSH", 18, "Character set; back as it is."),
    Field("PID", 2, "Patient id, if PID-3 has none."),
    Field("PID", 3, "Patient id: the first repetition of type MR (PID-3.5), else the first."),
    Field("ORC", 2, "Placer's order number: which report it is, if nothing better does."),
    Field("ORC", 3, "Filler's order number: which report it is, if OBR-3 is empty; accession number by setting."),
    Field("OBR", 2, "Placer's order number: which report it is, if no filler's number is there."),
    Field("OBR", 3, "Filler's order number: the same in every version of a report; accession number by setting."),
    Field("OBR", 4, "Procedure: what is an examination of the chest, and shown."),
    Field("OBR", 18, "Accession number by setting."),
    Field("OBR", 22, "The time of this version; the newest version is in force."),
    Field("OBR", 24, "Modality (diagnostic service section)."),
    Field("OBR", 25, "Result status, unless it is not known: then OBX-11 of the observations."),
    Field("OBX", 2, "Value type: text is read, anything else stays in the raw message."),
    Field("OBX", 3, "Observation: its suffix names the section; a code may say that the value is a study's UID."),
    Field("OBX", 5, "The text, or the Study Instance UID."),
    Field("OBX", 11, "Result status, where OBR-25 has none."),
    Field("ZDS", 1, "Study Instance UID (IHE Radiology)."),
)
"""In the order of a message. All others are kept with the raw message and not looked at."""
