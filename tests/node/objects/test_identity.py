"""UIDs of results: the same for the same inputs, and never random."""

import uuid

from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from node.objects.identity import Identity, derived_uid

names = st.text(max_size=20)


def _identity(**changes) -> Identity:
    return Identity(**({"study_instance_uid": "1.2.3", "revision": 1, "model_version": "m1"} | changes))


def test_uid_is_pinned():
    """A release that names old results differently would send every one of them twice."""
    assert derived_uid("a") == f"2.25.{uuid.uuid5(uuid.UUID('c6f0a3f2-6a55-5d0e-9a0b-1f6f0c1d7e48'), 'a').int}"


def test_each_part_of_the_identity_matters():
    """Study, revision, model version, kind and image each change the instance's UID."""
    uids = {
        _identity().sop_instance_uid("seg", "1.9"),
        _identity(study_instance_uid="1.2.4").sop_instance_uid("seg", "1.9"),
        _identity(revision=2).sop_instance_uid("seg", "1.9"),
        _identity(model_version="m2").sop_instance_uid("seg", "1.9"),
        _identity().sop_instance_uid("overlay", "1.9"),
        _identity().sop_instance_uid("seg", "1.8"),
        _identity().series_instance_uid("seg"),
    }

    assert len(uids) == 7


@given(st.lists(names, min_size=1, max_size=4))
def test_uid_is_valid_and_repeatable(parts):
    """Any parts give a valid UID of at most 64 characters, twice the same one."""
    uid = derived_uid(*parts)

    assert UID(uid).is_valid
    assert len(uid) <= 64
    assert uid == derived_uid(*parts)


def test_parts_are_kept_apart():
    """Moving a character from one part to the next gives another UID."""
    assert derived_uid("ab", "c") != derived_uid("a", "bc")
