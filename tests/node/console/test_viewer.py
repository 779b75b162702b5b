"""The viewer of a study's page in a real browser, over drawn radiographs: by hand, by keyboard and by finger."""

import io
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, CDPSession

from tests.node.console.day import RADIOGRAPHS, SPOTS, UID_OF_SHOWN
from tests.node.console.department import Department
from tests.node.console.looking import SIZES, browsing, opened

Point = tuple[float, float]
EDGE = 4


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module."""
    with browsing() as browser:
        yield browser


class Viewer:
    """The viewer of the study that has radiographs, and what its page has asked for and complained of."""

    def __init__(self, context: BrowserContext, department: Department) -> None:
        context.add_cookies([department.cookie])
        self.page, self.complaints = opened(context)
        self.asked: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url.rpartition("/")[2]))
        self.page.goto(f"{department.address}/studies/{UID_OF_SHOWN}")
        self.loaded()
        self.page.locator(".tools").scroll_into_view_if_needed()

    def loaded(self) -> None:
        """Wait for the radiograph, and until it can be drawn: a large one is decoded beside the rest."""
        self.page.wait_for_function("() => document.querySelector('.radiograph')?.naturalWidth > 0")
        self.page.evaluate("() => document.querySelector('.radiograph').decode()")
        self.page.locator(".tools output", has_text="Zoom").wait_for()

    @property
    def says(self) -> tuple[int, ...]:
        """Zoom in percent, window and level, as they stand below the radiograph."""
        return tuple(map(int, re.findall(r"\d+", self.page.locator(".tools output").inner_text())))

    @property
    def seen(self) -> npt.NDArray[np.int_]:
        """The stage as it is on the screen but for its edge, which has parts of pixels: (rows, columns, 3)."""
        picture = Image.open(io.BytesIO(self.page.locator(".stage").screenshot())).convert("RGB")
        return np.asarray(picture).astype(int)[EDGE:-EDGE, EDGE:-EDGE]

    @property
    def moved(self) -> list[float]:
        """By how much the radiograph is shifted to the right and down, in its own size."""
        shift = self.page.evaluate("() => document.querySelector('.sheet').style.transform")
        return [float(part) / 100 for part in re.findall(r"(-?[\d.e-]+)%", shift)]

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of the picture that is shown, in its own pixels."""
        width, height = self.page.evaluate(
            "() => { const it = document.querySelector('.radiograph'); return [it.naturalWidth, it.naturalHeight]; }"
        )
        return width, height

    def place(self, of: str = ".stage", x: float = 0.5, y: float = 0.5) -> Point:
        """Where a part of an element is in the window; without more, its middle."""
        box = self.page.locator(of).bounding_box()
        assert box
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, dx: float, dy: float) -> None:
        """Drag over the middle with the mouse."""
        x, y = self.place()
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + dx, y + dy, steps=5)
        self.page.mouse.up()

    def colour(self, finding: str) -> int:
        """How far from grey it is where a finding has its sign."""
        x, y = self.place(".sheet", SPOTS[finding].x, SPOTS[finding].y)
        left, top = self.place(x=0, y=0)
        row, column = int(y - top) - EDGE, int(x - left) - EDGE
        around = self.seen[row - 2 : row + 3, column - 2 : column + 3]
        return int((around.max(axis=2) - around.min(axis=2)).mean())


@pytest.fixture
def viewer(chromium: Browser, department: Department) -> Iterator[Viewer]:
    """On a wide screen, with a mouse."""
    width, height = SIZES["wide"]
    context = chromium.new_context(viewport={"width": width, "height": height})
    viewer = Viewer(context, department)
    yield viewer
    context.close()
    assert viewer.complaints == []


def test_the_radiograph_is_two_keys_away(viewer: Viewer) -> None:
    """From the top of the page, without the menu between: then its own keys are heard."""
    for key in ("Tab", "Tab", "Enter"):
        viewer.page.keyboard.press(key)
    viewer.page.locator("#stage:focus").wait_for()  # a link to a place within the page takes a frame
    viewer.page.keyboard.press("+")

    assert viewer.says == (125, 255, 128)


def test_window_and_level_follow_the_hand_and_the_keys(viewer: Viewer) -> None:
    """Across is the window, down the level, one grey level a pixel and half of one; 0 brings back what was."""
    viewer.page.get_by_role("application").press("b")  # boxes off
    plain = viewer.seen
    viewer.drag(60, 40)
    wider, darker = viewer.says, viewer.seen
    viewer.drag(-60, -120)
    brighter = viewer.seen
    viewer.page.get_by_role("application").press("0")
    back = viewer.seen
    viewer.page.get_by_role("application").press("Shift+ArrowLeft")
    viewer.page.get_by_role("application").press("Shift+ArrowUp")
    by_keys = viewer.says
    viewer.page.get_by_role("button", name="Invert").click()
    inverted = viewer.seen
    viewer.page.get_by_role("button", name="Reset").click()

    # From 255 and 127.5: + 60 and + 20; then times 0.9 and - 8.
    assert (wider, by_keys, viewer.says) == ((100, 315, 148), (100, 230, 120), (100, 255, 128))
    assert darker.mean() < plain.mean() - 3 < plain.mean() + 3 < brighter.mean()
    assert np.array_equal(back, plain)
    assert np.corrcoef(plain[::7, ::7, 0].ravel(), inverted[::7, ::7, 0].ravel())[0, 1] < 0


def test_all_pixels_come_with_the_zoom(viewer: Viewer) -> None:
    """The first picture is for a screen; who looks closer is shown every pixel, and never past the edge."""
    rows, columns = RADIOGRAPHS[0]
    first, beside = viewer.pixels, viewer.place(".sheet", 0, 0)[0] - viewer.place(x=0, y=0)[0]
    viewer.page.get_by_role("button", name="Zoom in").click()
    little = [each for each in viewer.asked if each == "full"]
    x, y = viewer.place(".sheet", 0.82, 0.69)
    viewer.page.mouse.move(int(x), int(y))  # a wheel turns at whole pixels
    viewer.page.mouse.wheel(0, -800)
    viewer.page.wait_for_function(f"() => document.querySelector('.radiograph')?.naturalWidth === {columns}")
    stayed = viewer.place(".sheet", 0.82, 0.69)
    viewer.page.get_by_role("button", name="Move").click()
    for _ in range(6):
        viewer.drag(-200, -200)
    corner = viewer.place(".sheet", 1, 1)
    edge = viewer.place(x=1, y=1)

    assert first == (1152, 1280)
    assert little == []
    assert viewer.asked.count("full") == 1
    assert viewer.pixels == (columns, rows)
    assert viewer.says[0] > 300
    assert stayed == pytest.approx((x, y), abs=4)  # of the part of a pixel, four times as large
    assert corner == pytest.approx((edge[0] - beside, edge[1]), abs=2)


def test_a_heat_map_is_as_strong_as_it_is_set(viewer: Viewer) -> None:
    """Where the sign is, in the finding's place; the keys switch maps and boxes off and on."""
    stage = viewer.page.get_by_role("application")
    stage.press("b")
    none = viewer.colour("Effusion")
    with viewer.page.expect_response("**/heat?*"):
        viewer.page.get_by_label("Heat map of Effusion").check()
    viewer.page.wait_for_function("() => document.querySelector('img.heat')?.naturalWidth > 0")
    usual = viewer.colour("Effusion")
    opacity = viewer.page.get_by_label("Opacity of the heat maps")
    opacity.press("End")
    full = viewer.colour("Effusion")
    opacity.press("Home")
    clear = viewer.colour("Effusion")
    opacity.press("End")
    elsewhere = viewer.colour("Nodule")
    stage.press("h")
    off = viewer.colour("Effusion")
    stage.press("b")
    boxes = viewer.page.locator(".boxes g:not([hidden]) rect").count()

    assert none == clear == off == 0
    assert 20 < usual < full
    assert elsewhere < full / 4
    assert boxes == 2
    assert not viewer.page.get_by_label("Heat map of Effusion").is_checked()


def test_a_study_of_several_images_is_leafed_through(viewer: Viewer) -> None:
    """Each has its own picture, boxes and maps."""
    viewer.page.get_by_role("link", name="Image 2", exact=True).click()
    viewer.page.wait_for_url("**?image=*")
    viewer.loaded()
    rows, columns = RADIOGRAPHS[1]
    with viewer.page.expect_response("**/heat?*") as heat:
        viewer.page.get_by_label("Heat map of Nodule").check()
    number = viewer.page.url.rpartition("=")[2]

    assert viewer.page.get_by_role("application").get_attribute("aria-label") == "Radiograph, image 2 of 2"
    assert viewer.page.locator("nav [aria-current]").last.inner_text() == "Image 2"
    assert viewer.pixels == (columns, rows)  # a small image is not enlarged
    assert viewer.page.locator(".boxes").get_attribute("viewBox") == f"0 0 {columns} {rows}"
    assert f"/images/{number}/heat?" in heat.value.url


def test_two_fingers_zoom_and_one_does_what_the_tool_says(chromium: Browser, department: Department) -> None:
    """On a phone: the radiograph moves, the page does not."""
    width, height = SIZES["narrow"]
    context = chromium.new_context(viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    viewer = Viewer(context, department)
    fingers = Fingers(context.new_cdp_session(viewer.page))
    before = viewer.page.evaluate("() => window.scrollY")
    x, y = viewer.place()

    fingers.go([(x - 40, y), (x + 40, y)], [(x - 80, y), (x + 80, y)])
    pinched = viewer.says
    fingers.go([(x - 40, y), (x + 40, y)], [(x - 10, y + 30), (x + 70, y + 30)])
    together = viewer.moved
    fingers.go([(x, y)], [(x + 30, y)])
    windowed = viewer.says
    viewer.page.get_by_role("button", name="Move").click()  # a tap right after a gesture may not become a click
    viewer.page.get_by_role("button", name="Move", pressed=True).wait_for()
    fingers.go([(x, y)], [(x - 30, y - 30)])
    one = viewer.moved
    still = viewer.page.evaluate("() => [window.scrollY, window.visualViewport.scale]")
    complaints = viewer.complaints
    context.close()

    assert pinched == (200, 255, 128)
    assert windowed == (200, 285, 128)
    assert min(together) > 0.05
    assert one == pytest.approx([0, 0], abs=0.01)
    assert still == [before, 1]
    assert complaints == []


class Fingers:
    """A touch screen, by Chromium's own protocol."""

    def __init__(self, protocol: CDPSession) -> None:
        self._protocol = protocol

    def go(self, begin: list[Point], end: list[Point], steps: int = 10) -> None:
        """Put fingers down, move them together from here to there, and lift them."""
        self._tell("touchStart", begin)
        for step in range(1, steps + 1):
            part = step / steps
            between = zip(begin, end, strict=True)
            self._tell("touchMove", [(a + part * (c - a), b + part * (d - b)) for (a, b), (c, d) in between])
        self._tell("touchEnd", [])

    def _tell(self, what: str, at: list[Point]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(at)]
        self._protocol.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": points})
