"""How this implementation names itself in DICOM (PS3.7 D.3.3.2)."""

from importlib.metadata import version

IMPLEMENTATION_CLASS_UID = "2.25.263336539554264818187088630799447599595"
IMPLEMENTATION_VERSION_NAME = "CXR-NODE"
SOFTWARE_VERSION = version("cxr-node")
