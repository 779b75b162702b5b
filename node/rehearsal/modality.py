"""A modality, for the demonstration and the rehearsal: pushes one DICOM file to a node."""

from pathlib import Path

import pydicom

from node.destinations.outbound import RENDER
from node.dicom.opening import Address
from node.dicom.outgoing import Answer, Outgoing
from node.dicom.sender import Scu


def push(path: Path, to: Address, *, ae_title: str = "MODALITY") -> Answer:
    """Send a file by C-STORE over an association of its own. Returns what was answered.

    Raises:
        UnreachableError: there is no association, or it broke.
    """
    meta = pydicom.filereader.read_file_meta_info(path)
    outgoing = Outgoing(
        path=path,
        sop_class_uid=str(meta.MediaStorageSOPClassUID),
        sop_instance_uid=str(meta.MediaStorageSOPInstanceUID),
        transfer_syntax_uid=str(meta.TransferSyntaxUID),
    )
    modality = Scu(ae_title=ae_title, address=to, render=RENDER)
    try:
        with modality.line([outgoing]) as line:
            (answer,) = line.send([outgoing])
    finally:
        modality.close()
    return answer
