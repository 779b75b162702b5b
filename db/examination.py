"""What examination a report is of, from the words of its order.

Standard library only.
"""

from db.vocabulary import Examination


def examination(modality: str, procedure: str) -> Examination:
    """Decide from a report's modality (OBR-24) and procedure (OBR-4) what it is a report of."""
    return Examination.UNKNOWN
