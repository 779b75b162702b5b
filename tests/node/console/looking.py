"""Looking at pages in a real browser, as people do: at two widths, light and dark."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.peers.axe import faults
from tests.peers.processes import require

SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
SCHEMES = ("light", "dark")
UNFOLD = "() => document.querySelectorAll(':not(figcaption) > details').forEach(each => { each.open = true; })"
"""All but the numbers of charts, which are long and alike."""
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@contextmanager
def browsing() -> Iterator[Browser]:
    """Debian's Chromium; Playwright downloads none."""
    program = require("Chromium", Path("/usr/bin/chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def opened(context: BrowserContext) -> tuple[Page, list[str]]:
    """A page, and what it complains of: an error, or something the policy does not let it do."""
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def looked_at(page: Page, name: str, *, tall: int | None = None) -> list[str]:
    """What is wrong with the page as it stands, looked at in each way; it is left wide, light and unfolded.

    Each way shows whether anything is cut off. axe looks at two of them, which have both widths and both schemes, with
    everything unfolded but the numbers of charts.

    Args:
        page: in a browser.
        name: for pictures and for what is wrong.
        tall: pixels of a picture from the top of the page; None is all of it.
    """
    wrong = []
    for size, scheme in product(SIZES, SCHEMES):
        shown(page, size, scheme)
        whole = fits(page, f"{name}-{size}-{scheme}", tall=tall)
        wrong += [] if whole else [f"{name} is cut off, {size}"]
    page.evaluate(UNFOLD)
    for size, scheme in (("narrow", "dark"), ("wide", "light")):
        shown(page, size, scheme)
        wrong += [] if page.evaluate(FITS) else [f"{name} is cut off, {size}, unfolded"]
        wrong += [f"{name}: {fault}" for fault in faults(page)]
    return wrong


def shown(page: Page, size: str, scheme: str) -> None:
    """Show the page in one way."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")


def fits(page: Page, name: str, *, tall: int | None = None) -> bool:
    """Whether a page needs no scrolling sideways, once it is all there: a button can come before the stylesheet."""
    page.wait_for_load_state()
    keep(page, name, tall=tall)
    return bool(page.evaluate(FITS))


def keep(page: Page, name: str, *, tall: int | None = None) -> None:
    """A picture, if somebody wants pictures: CXR_PICTURES names a folder for them."""
    if folder := os.environ.get("CXR_PICTURES"):
        picture = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        picture = picture.crop((0, 0, picture.width, min(picture.height, tall or picture.height)))
        picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2).save(
            Path(folder) / f"console-{name}.png", optimize=True
        )
