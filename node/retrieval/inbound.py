"""The archives that images are brought in from, put together from the settings: for `cxr pull`."""

from node.destinations.outbound import address_of
from node.dicom.retriever import Retriever
from node.dicom.source import Source
from node.errors import SettingsError
from node.retrieval.dicomweb import DicomWeb
from node.sections.remote import SourceSettings
from node.settings import MIB, Settings
from node.transport.web import WebAddress


def chosen(settings: Settings, name: str | None) -> SourceSettings:
    """The source of this name, or without one the only one.

    Raises:
        SettingsError: there is none, or there are several.
    """
    names = ", ".join(each.name for each in settings.sources)
    if not names:
        raise SettingsError("the settings have no source; add [[sources]] with name, protocol and address")
    if name is None and len(settings.sources) > 1:
        raise SettingsError(f"there are several sources; choose one with --from: {names}")
    for each in settings.sources:
        if name in (None, each.name):
            return each
    raise SettingsError(f"there is no source {name}; the settings have {names}")


def source_of(settings: Settings, each: SourceSettings) -> Source:
    """A source; nothing is connected yet.

    Raises:
        SettingsError: its certificate or key cannot be used.
    """
    address = address_of(each, "source")
    if isinstance(address, WebAddress):
        return DicomWeb(address=address, max_instances=each.max_instances)
    return Retriever(
        ae_title=settings.dicom.ae_title,
        address=address,
        move=each.protocol == "cmove",
        max_instances=each.max_instances,
        max_bytes=settings.dicom.max_instance_mb * MIB,
    )
