"""The model and the device, as a result object names them."""

from dataclasses import dataclass, fields

from node.objects.identity import derived_uid

_LONGEST = 64
"""The limit of the value representation LO (DICOM PS3.5 6.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """Who made a result: the algorithm (from the model card) and the device that ran it.

    Every field is printable ASCII of 1 to 64 characters without a backslash, as LO asks for.
    """

    name: str
    """The algorithm's name."""
    version: str
    """The algorithm's version, as in `Prediction.model_version`."""
    software_version: str
    """The version of the node, from its package metadata."""
    manufacturer: str = "cxr-node"
    """Manufacturer of the equipment that made the object."""
    device_name: str = "cxr-node"
    """Manufacturer's Model Name, and the name of the observer in the report."""
    serial_number: str = "1"
    """Tells one installed node from another."""

    def __post_init__(self) -> None:
        for field in fields(self):
            text = str(getattr(self, field.name))
            if not (0 < len(text) <= _LONGEST and text.isascii() and text.isprintable() and "\\" not in text):
                raise ValueError(f"{field.name} must be 1 to 64 printable ASCII characters, no backslash")

    @property
    def device_uid(self) -> str:
        """The same for every result of one installed node."""
        return derived_uid("device", self.manufacturer, self.device_name, self.serial_number)
