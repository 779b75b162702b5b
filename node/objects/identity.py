"""The identity of a study's results: the same inputs name the same SOP Instances.

A resend, or a replay of a job, must give the PACS the very instance it already has, so no UID here is random.
"""

import uuid
from dataclasses import dataclass

_NAMESPACE = uuid.UUID("c6f0a3f2-6a55-5d0e-9a0b-1f6f0c1d7e48")
"""Ours, chosen once. Changing it changes every UID the node ever makes."""


def derived_uid(*parts: str) -> str:
    """Name the parts with a UID of the UUID root, `2.25.` (DICOM PS3.5 B.2; RFC 9562, version 5).

    Parts are joined by a character that none of them holds, so that ("a", "bc") and ("ab", "c") differ.
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, chr(0x1F).join(parts)).int}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes the UIDs of one job's results: the study, the job's revision, the model that read it."""

    study_instance_uid: str
    revision: int
    model_version: str

    def sop_instance_uid(self, kind: str, source_sop_instance_uid: str = "") -> str:
        """Name an instance of a kind ("sr", "seg", "overlay"), made of one image or of the whole study."""
        return self.uid("instance", kind, source_sop_instance_uid)

    def series_instance_uid(self, kind: str) -> str:
        """Name the series that holds all results of a kind."""
        return self.uid("series", kind)

    def uid(self, *parts: str) -> str:
        """Name anything else inside the results, such as a tracked region."""
        return derived_uid(self.study_instance_uid, str(self.revision), self.model_version, *parts)
