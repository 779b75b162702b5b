"""Storage commitment on an association that somebody else opened, in both roles.

A modality asks by N-ACTION: its request is kept before it hears success, and answered later, or on this association
if the node knows no other way. A PACS reports by N-EVENT-REPORT on what the node asked it.
"""

import logging
from collections.abc import Iterator

from pydicom.uid import UID

from db.errors import DatabaseError
from node.dicom import command, commitment
from node.dicom.association import Association, Message
from node.dicom.caller import Caller
from node.dicom.commitment import Commitment
from node.errors import RefusedError

log = logging.getLogger(__name__)

Answer = tuple[int, str]


class CommitmentScp:
    """Serves the messages of the Storage Commitment Push Model."""

    def __init__(self, desk: Commitment) -> None:
        self._desk = desk

    def serve(self, message: Message, caller: Caller, transfer_syntax: UID) -> Answer | None:
        """One message to its status and comment; None for a response to what we reported. A door for our faults."""
        request = message.command
        fields = {"calling_ae": caller.ae_title, "command": f"{request.field:#06x}"}
        try:
            return self._served(message, caller, transfer_syntax)
        except RefusedError as error:
            log.warning("commitment refused", extra={"fields": fields | {"reason": error.comment}})
            return error.status, error.comment
        except DatabaseError:
            log.exception("no commitment without the database", extra={"fields": fields})
            return command.PROCESSING_FAILURE, "Not kept: send it again later"

    def _served(self, message: Message, caller: Caller, transfer_syntax: UID) -> Answer | None:
        request = message.command
        if request.field == command.N_EVENT_REPORT_RSP:
            self._told(message, caller)
            return None
        if request.sop_instance_uid != commitment.SOP_INSTANCE:
            return command.NO_SUCH_SOP_INSTANCE, "Not the instance of the Storage Commitment Push Model"
        if request.field == command.N_ACTION_RQ:
            return self._asked(message, caller, transfer_syntax)
        if request.field == command.N_EVENT_REPORT_RQ:
            return self._reported(message, transfer_syntax)
        return command.UNRECOGNIZED_OPERATION, "Not an operation of storage commitment"

    def report(self, assoc: Association, context_id: int, caller: Caller) -> None:
        """Send what the caller is to get on this association."""
        while caller.reports:
            report = caller.reports.pop()
            context = caller.contexts[context_id]
            number = len(caller.told) + 1
            caller.told[number] = report.transaction_uid
            names = (commitment.SOP_CLASS, commitment.SOP_INSTANCE, report.event_type_id)
            data = commitment.encoded(report, context.transfer_syntax[0])
            assoc.request_operation(context_id, command.event_report(number, *names), data)

    def _asked(self, message: Message, caller: Caller, transfer_syntax: UID) -> Answer:
        if message.command.action_type_id != commitment.ACTION_REQUEST:
            return command.NO_SUCH_ACTION, "Only Request Storage Commitment (1) is an action here"
        request = commitment.read_request(_whole(message.fragments), transfer_syntax)
        report = self._desk.asked(caller.ae_title, request)
        if report is not None:
            caller.reports.append(report)
        fields = {"calling_ae": caller.ae_title, "transaction_uid": request.transaction_uid}
        log.info("commitment asked", extra={"fields": fields | {"instances": len(request.references)}})
        return command.SUCCESS, ""

    def _reported(self, message: Message, transfer_syntax: UID) -> Answer:
        if message.command.event_type_id not in (commitment.ALL_COMMITTED, commitment.FAILURES_EXIST):
            return command.NO_SUCH_EVENT_TYPE, "Not an event of storage commitment"
        report = commitment.read_report(_whole(message.fragments), transfer_syntax)
        if not self._desk.reported(report):
            return command.INVALID_ARGUMENT, "This Transaction UID was not asked about"
        return command.SUCCESS, ""

    def _told(self, message: Message, caller: Caller) -> None:
        number = message.command.response_to
        transaction_uid = caller.told.pop(number, None)
        if transaction_uid is not None and message.command.status == command.SUCCESS:
            self._desk.told(caller.ae_title, transaction_uid)


def _whole(fragments: Iterator[memoryview]) -> bytes:
    parts = bytearray()
    for fragment in fragments:
        parts += fragment
        if len(parts) > commitment.MAX_BYTES:
            raise RefusedError(command.INVALID_ARGUMENT, "The data set is above its limit")
    return bytes(parts)
