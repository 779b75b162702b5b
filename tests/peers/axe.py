"""axe-core: what of a page somebody cannot read, reach or hear (WCAG 2.2 A and AA)."""

from playwright.sync_api import Page

from tests.peers.processes import fetched, require

VERSION = "4.14.1"
RUN = "axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']})"


def faults(page: Page) -> list[str]:
    """The faults that axe finds on the page once it is loaded: rule, weight and the first element concerned."""
    page.wait_for_load_state()
    page.evaluate(require("axe-core", fetched(f"axe-core-{VERSION}") / "node_modules/axe-core/axe.min.js").read_text())
    return [
        f"{fault['id']} ({fault['impact']}): {fault['nodes'][0]['html']}" for fault in page.evaluate(RUN)["violations"]
    ]
