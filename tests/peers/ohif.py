"""OHIF as the radiologist's viewer: nginx serves it and hands its DICOMweb to Orthanc, a headless Chromium shows it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.conftest import ROOT
from tests.peers.processes import HOST, Peer, fetched, free_port, listens, require, wait_until

VERSION = "3.13.2"
"""The one that deploy/peers/install fetches."""

FLAGS = (
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
"""WebGL without a graphics card, for any user, root too."""

PATIENCE_S = 60.0
"""How long a page may take: seconds on an idle machine, and up to half a minute on a busy one."""

Picture = npt.NDArray[np.uint8]


class Ohif:
    """A running web server with OHIF and Orthanc's DICOMweb on one origin."""

    def __init__(self, folder: Path, *, orthanc_url: str) -> None:
        program = require("nginx", Path("/usr/sbin/nginx"))
        dist = require("OHIF", fetched(f"ohif-{VERSION}") / "dist")
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        folder.mkdir(parents=True, exist_ok=True)
        installed = (ROOT / "deploy" / "ohif" / "app-config.js").read_text()
        (folder / "app-config.js").write_text(installed.replace("showStudyList", f"{_QUIET}showStudyList"))
        configuration = folder / "nginx.conf"
        configuration.write_text(_NGINX.format(folder=folder, port=self.port, dist=dist, orthanc=orthanc_url))
        self._peer = Peer(
            [program, "-c", configuration, "-e", folder / "error.log"],
            ready=lambda: listens(self.port),
            log=folder / "nginx.log",
        )
        self._peer.start()

    def close(self) -> None:
        """End it."""
        self._peer.stop()


@dataclass(slots=True, kw_only=True)
class Viewer:
    """One page of OHIF, and what a radiologist sees and does there.

    `errors` are the exceptions and console errors of the page.
    """

    page: Page
    errors: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What the page says."""
        return self.page.locator("body").inner_text()

    def shows(self, *texts: str) -> bool:
        """Whether the page says all of it."""
        text = self.text
        return all(each in text for each in texts)

    def answer_yes(self) -> None:
        """Answer the question over the image: open the segmentation, or continue to track the report's boxes.

        OHIF then takes another viewport for the image. Whatever changes the page's layout while that one has no image
        yet squares its zoom (OHIF 3.13), and the image is black until the view is reset; so it is waited for. On a busy
        machine a viewport is said to be rendered before anything is to be seen.
        """
        self.page.wait_for_selector("[data-cy=yes-hydrate-btn]", timeout=1000 * PATIENCE_S)
        self.page.evaluate(_REMEMBER_VIEWPORT)
        self.page.click("[data-cy=yes-hydrate-btn]", timeout=1000 * PATIENCE_S)
        self.page.wait_for_selector("[data-cy=yes-hydrate-btn]", state="detached", timeout=1000 * PATIENCE_S)
        self.page.wait_for_function(_OTHER_VIEWPORT_IS_DRAWN, timeout=1000 * PATIENCE_S)
        try:
            wait_until(lambda: is_a_picture(self.viewport()), timeout_s=10, what="the zoom is squared all the same")
        except TimeoutError:
            self.page.evaluate(_RESET_VIEW)  # as a person does who sees black
        wait_until(
            lambda: is_a_picture(self.viewport()), timeout_s=PATIENCE_S, what="the other viewport shows no image"
        )

    def open_measurements(self) -> None:
        """Open the panel of the radiologist's own measurements."""
        self.page.click("[data-cy=trackedMeasurements-btn]", timeout=1000 * PATIENCE_S)

    def picture(self) -> Picture:
        """(rows, columns, 3): the page as it is now."""
        return np.asarray(Image.open(BytesIO(self.page.screenshot())).convert("RGB"))

    def viewport(self) -> Picture:
        """The part of the page that images are shown in."""
        box = self.page.locator("[data-cy=viewport-pane]").bounding_box()
        assert box is not None
        left, top = round(box["x"]), round(box["y"])
        return self.picture()[top : top + round(box["height"]), left : left + round(box["width"])]

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where on the page, in pixels from its left and top, a pixel of the shown image is."""
        across, down = self.page.evaluate(_PLACE, [x, y])
        return across, down

    def wait_for(self, seen: Callable[[], bool], what: str) -> None:
        """Wait until the page is as it should be; else say `what` is missing, and what the page complained of."""
        self.page.wait_for_function(_IMAGE_IS_THERE, timeout=1000 * PATIENCE_S)
        try:
            wait_until(seen, timeout_s=PATIENCE_S, what=what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; errors of the page: {self.errors}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Workstation:
    """A browser that keeps what it has loaded of OHIF, and the address of OHIF."""

    browser: BrowserContext
    url: str

    @contextmanager
    def open(self, study_instance_uid: str, series_instance_uid: str) -> Iterator[Viewer]:
        """Open a study with one of its series in the viewport, on a page of its own."""
        viewer = Viewer(page=self.browser.new_page())

        def complain(message: ConsoleMessage) -> None:
            if message.type == "error":
                viewer.errors.append(message.text)

        viewer.page.on("console", complain)
        viewer.page.on("pageerror", lambda error: viewer.errors.append(str(error)))
        query = f"StudyInstanceUIDs={study_instance_uid}&initialSeriesInstanceUID={series_instance_uid}"
        viewer.page.goto(f"{self.url}/viewer?{query}", timeout=1000 * PATIENCE_S)
        viewer.page.wait_for_selector("[data-cy=viewport-pane]", timeout=1000 * PATIENCE_S)
        try:
            yield viewer
        finally:
            viewer.page.close()


def is_a_picture(viewport: Picture) -> bool:
    """Whether there are light and dark, not an empty viewport."""
    return bool(viewport.std() > 25 and (viewport.max(axis=2) > 100).mean() > 0.1)


@contextmanager
def workstation(ohif: Ohif) -> Iterator[Workstation]:
    """A headless Chromium for OHIF, of a radiologist who has seen OHIF's tour; Playwright downloads none."""
    program = require("Chromium", Path("/usr/bin/chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        context.add_init_script("localStorage.setItem('shownTours', JSON.stringify(['basicViewerTour']))")
        try:
            yield Workstation(browser=context, url=ohif.url)
        finally:
            browser.close()


_IMAGE_IS_THERE = """() => {
  const shown = (window.cornerstone?.getEnabledElements() ?? [])[0];
  return Boolean(shown?.viewport.getCurrentImageId?.() && shown.viewport.getImageData?.());
}"""

_REMEMBER_VIEWPORT = "() => { window.viewportBefore = window.cornerstone.getEnabledElements()[0]?.viewport; }"

_OTHER_VIEWPORT_IS_DRAWN = """() => {
  const viewport = window.cornerstone.getEnabledElements()[0]?.viewport;
  return Boolean(viewport && viewport !== window.viewportBefore && viewport.viewportStatus === 'rendered');
}"""

_RESET_VIEW = """() => {
  const viewport = window.cornerstone.getEnabledElements()[0].viewport;
  viewport.resetCamera();
  viewport.render();
}"""

_PLACE = """([x, y]) => {
  const viewport = window.cornerstone.getEnabledElements()[0].viewport;
  const world = window.cornerstone.utilities.imageToWorldCoords(viewport.getCurrentImageId(), [x, y]);
  const canvas = viewport.canvas.getBoundingClientRect();
  const [across, down] = viewport.worldToCanvas(world);
  return [canvas.x + across, canvas.y + down];
}"""

_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {dist};
        location / {{ try_files $uri /index.html; }}
        location = /app-config.js {{ alias {folder}/app-config.js; }}
        location /dicom-web/ {{ proxy_pass {orthanc}; }}
    }}
}}
"""

_QUIET = "maxNumberOfWebWorkers: 1, investigationalUseDialog: { option: 'never' }, "
