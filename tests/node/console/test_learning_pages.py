"""The pages of models and trainings in a real browser. CXR_PICTURES names a folder for a picture of each."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from db import jobs
from db.engine import Database
from db.records import JobKind
from tests.node.console.browser import Browser, serving
from tests.node.console.conftest import NOON, PASSWORD, console
from tests.node.console.test_models import compared, data, sent
from tests.node.console.test_pages import LOOKS, SIZES, chromium, fits, opened
from tests.peers.axe import faults
from tests.peers.processes import HOST

__all__ = ["chromium", "data"]


@pytest.fixture
def learning(database: Database, data: Path) -> Iterator[Browser]:
    """A console over a node with a compared candidate, a shadow and a training that runs."""
    with serving(console(database, data)) as client:
        client.log_in("administrator", PASSWORD)
        compared(database, data, client)
        sent(client, "/models/good", "/models/good/shadow")
        form = {"method": "upper", "version": "spring", "finding-Mass": "yes"}
        sent(client, "/trainings", "/trainings", **form)
        with database.write() as connection:
            jobs.claim(connection, kinds=[JobKind.TRAIN], owner="x", now=NOON, lease_s=60)
        write_journal(data / "trainings" / "spring")
        yield client


def write_journal(folder: Path) -> None:
    """What a training of four epochs has told so far."""
    folder.mkdir(parents=True)
    events: list[dict[str, object]] = []
    for epoch in range(4):
        losses = (0.3 + 0.6 * math.exp(-(20 * epoch + step) / 25) for step in range(20))
        events += [{"event": "step", "step": 20 * epoch + n, "loss": loss} for n, loss in enumerate(losses, start=1)]
        fair = 0.75 - 0.2 * math.exp(-epoch)
        validation = {"validation_auc": fair + 0.02, "validation_stratified_auc": fair, "minutes_left": 3.5}
        events.append({"event": "epoch", "epoch": epoch} | validation)
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    (folder / "progress.json").write_text(json.dumps({"what": "Epoch 5 of at most 10", "done": 83, "total": 200}))


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_models_and_trainings_as_people_see_them(
    chromium,
    learning: Browser,
    size: str,
    scheme: str,
) -> None:
    """Nothing is cut off, nobody is kept out, a training renews itself, and a promotion is a form of its page."""
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.add_cookies([{"name": "cxr", "value": learning.cookies["cxr"], "url": f"http://{HOST}:{learning.port}"}])
    page, complaints = opened(context)
    seen, found = {}, []

    for name in ("models", "models/good", "trainings", "trainings/spring"):
        page.goto(f"http://{HOST}:{learning.port}/{name}")
        open_all(page)
        seen[name] = fits(page, f"{name.replace('/', '-')}-{size}-{scheme}")
        found += faults(page)
    with page.expect_response("**/trainings/spring/progress") as renewed:
        pass  # by itself
    page.goto(f"http://{HOST}:{learning.port}/models/good")
    page.get_by_label("Let good read from the next study on").check()
    page.get_by_role("button", name="Promote").press("Enter")
    page.wait_for_url("**/models/good")
    state = page.locator("h1 .badge").inner_text()
    context.close()

    assert seen == dict.fromkeys(seen, True)
    assert renewed.value.ok
    assert state == "reads"
    assert complaints == []
    assert found == []


def open_all(page: Page) -> None:
    """Open what is folded, but for the charts' numbers."""
    page.evaluate("document.querySelectorAll(':not(figcaption) > details').forEach(each => each.open = true)")
