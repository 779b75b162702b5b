"""A synthetic study's report as an HL7 message, as a RIS sends it (ORU^R01, HL7 v2.5.1 §7.3.1)."""

from datetime import datetime, timedelta

from node.rehearsal.department import SyntheticStudy
from node.rehearsal.wording import worded

READ_AFTER = timedelta(minutes=50)
"""From the radiograph to its signed report."""


def oru(study: SyntheticStudy, *, signed_at: datetime | None = None) -> bytes:
    """The message; without `signed_at` the report was signed soon after the radiograph was taken."""
    text = worded(study)
    at = (signed_at or study.taken_at + READ_AFTER).strftime("%Y%m%d%H%M%S+0000")
    accession, code = study.accession_number, f"36643-5^XR Chest {study.view}^LN"
    body = f"INDICATION: {text.indication}~FINDINGS: {text.findings}"
    segments = (
        f"MSH|^~\\&|SYNTHETIC|SITE|CXR|NODE|{at}||ORU^R01^ORU_R01|{accession}|P|2.5.1",
        f"PID|1||{study.patient.patient_id}^^^SITE^MR||SYNTHETIC^NOBODY",
        f"ORC|RE||{accession}",
        f"OBR|1||{accession}|{code}||||||||||||||||||{at}||DX|F",
        f"OBX|1|UI|113014^DICOM Study^DCM||{study.study_instance_uid}||||||F",
        f"OBX|2|TX|36643-5&GDT||{body}||||||F",
        f"OBX|3|TX|36643-5&IMP||{text.impression}||||||F",
    )
    return "".join(f"{segment}\r" for segment in segments).encode()
