"""Storage commitment as its SCP, afterwards: the report goes to the modality on an association that we open."""

from collections.abc import Callable

from pydicom import Dataset
from pynetdicom import build_role

from node.dicom import commitment
from node.dicom.commitment import Report
from node.dicom.opening import Address, associate
from node.dicom.sender import COMMITMENT_FORMS
from node.errors import UnreachableError

SendReport = Callable[[Address, Report], None]
"""Sends a report.

Raises:
    UnreachableError: the modality did not take it now.
"""


class Reporter:
    """Sends reports under our own AE title (see `SendReport`)."""

    def __init__(self, ae_title: str) -> None:
        self._ae_title = ae_title

    def __call__(self, address: Address, report: Report) -> None:
        """Open an association as the service's provider (PS3.7 D.3.3.4), report, and release it."""
        role = build_role(commitment.SOP_CLASS, scu_role=False, scp_role=True)
        assoc = associate(address, self._ae_title, COMMITMENT_FORMS, roles=[role])
        try:
            if not any(context.as_scp for context in assoc.accepted_contexts):
                raise UnreachableError(f"{address.name} takes no commitment reports", "not_taken")
            names = (commitment.SOP_CLASS, commitment.SOP_INSTANCE)
            data: Dataset = commitment.dataset(report)
            try:
                status, _ = assoc.send_n_event_report(data, report.event_type_id, *names)
            except RuntimeError as error:
                raise UnreachableError(f"{address.name} closed the association") from error
            if status.get("Status") != 0:
                answered = f"answered {int(status.Status):#06x} to" if "Status" in status else "did not answer"
                raise UnreachableError(f"{address.name} {answered} the commitment report", "not_taken")
        finally:
            if assoc.is_established:
                assoc.release()
