"""The description of model and device."""

import pytest

from node.objects.model import ModelDescription


@pytest.mark.parametrize("name", ["", "x" * 65, "a\\b", "line\nbreak", "Mod\u00e8le"])
def test_text_that_no_attribute_can_hold_is_refused(name):
    """A model card's odd name is refused when the model is loaded, not when a result is built."""
    with pytest.raises(ValueError, match="name must be"):
        ModelDescription(name=name, version="1", software_version="1")


def test_device_uid_tells_nodes_apart():
    """Two installed nodes are two observers."""
    one = ModelDescription(name="n", version="1", software_version="1", serial_number="A")
    two = ModelDescription(name="n", version="1", software_version="1", serial_number="B")

    assert one.device_uid != two.device_uid
