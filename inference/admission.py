"""Taking a bundle in: copied whole beside the other models, and proved to read before anybody enters it."""

import shutil
from pathlib import Path

import numpy as np

from inference import bundle
from inference.bundle import Bundle
from inference.classifier import UNLOADABLE, open_session
from inference.errors import BundleError


def admit(source: Path, folder: Path) -> Bundle:
    """Copy a bundle to `folder`/<version>; what is checked is the copy.

    A broken copy that lies there is replaced, a whole one of the same card is left alone.

    Raises:
        BundleError: the bundle may not serve, or another model of this version lies there.
    """
    card = bundle.load(source).card
    target = folder / card.version
    try:
        standing = bundle.load(target) if target.exists() else None
    except BundleError:
        standing = None
    if standing is not None:
        if standing.card != card:
            raise BundleError(f"Another model of the version {card.version} lies there; give this one another version.")
        prove(standing)
        return standing
    with bundle.part_of(target) as part:
        for name in (*card.files, bundle.CARD):
            with (source / name).open("rb") as stream:
                bundle.write_durably(part / name, stream)
        prove(bundle.load(part))
        if target.exists():
            shutil.rmtree(target)
        part.rename(target)
        bundle.sync_folder(folder)
    return bundle.load(target)


def prove(checked: Bundle) -> None:
    """Let a bundle's graph read a grey image.

    Raises:
        BundleError: it cannot be loaded, does not run, or does not answer with numbers.
    """
    session = open_session(checked, threads=1)
    card = checked.card
    image = np.zeros((1, card.preprocessing.channels, card.preprocessing.size, card.preprocessing.size), np.float32)
    try:
        logits, cam = session.run(["logits", "cam"], {session.get_inputs()[0].name: image})
    except UNLOADABLE as error:
        raise BundleError(f"{checked.model.name} does not run ({type(error).__name__}).") from error
    if logits.shape != (1, len(card.findings)) or cam.shape[:2] != logits.shape or cam.ndim != 4:
        raise BundleError(f"{checked.model.name} does not answer with logits and cam for the card's findings.")
    if not (np.isfinite(logits).all() and np.isfinite(cam).all()):
        raise BundleError(f"{checked.model.name} answers a grey image with something that is no number.")
