"""The list of differences, its verdicts, and the agreement beside it."""

from db import agreement, audit, concordance, gold, schema
from db.agreement import Group
from db.engine import Database
from tests.db.test_concordance import WEEK, N, P, read, report
from tests.node.console.browser import Answer, Browser
from tests.node.console.conftest import PASSWORD


def differing(database: Database) -> None:
    """A study whose model sees an effusion and a pneumothorax that its report denies, and one that agrees."""
    with database.write() as connection:
        first = read(connection, "2.25.1", {"Effusion": 0.9, "Pneumothorax": 0.6})
        report(connection, "1", first, {"Effusion": N, "Pneumothorax": N})
        report(connection, "2", read(connection, "2.25.2", {"Effusion": 0.9}), {"Effusion": P})


def judge(client: Browser, finding: str, verdict: str) -> Answer:
    """Send a verdict as the page's form does."""
    token = client.get("/discrepancies").form_token
    form = {"form_token": token, "study": "2.25.1", "of": finding, "verdict": verdict, "reason": "I see it"}
    return client.post("/discrepancies", form)


def test_the_most_urgent_comes_first_with_what_both_say(client: Browser, database: Database) -> None:
    """Each row leads to its study; a viewer may look and not judge."""
    differing(database)
    client.log_in("viewer", PASSWORD)

    page = client.get("/discrepancies").text
    one = client.get("/discrepancies?finding=Effusion").text

    assert page.index('<th scope="row">Pneumothorax') < page.index('<th scope="row">Effusion')
    assert page.count('href="/studies/2.25.1"') == 2
    assert "A secret sentence." in page
    assert 'name="verdict"' not in page
    assert '<th scope="row">Pneumothorax' not in one


def test_a_verdict_is_a_label_and_takes_the_row_off(client: Browser, database: Database) -> None:
    """Audited with who gave it; the reason stays with the label."""
    differing(database)
    client.log_in("radiologist", PASSWORD)

    answer = judge(client, "Pneumothorax", "model")

    assert (answer.status, answer.headers["location"]) == (303, "/discrepancies")
    assert '<th scope="row">Pneumothorax' not in client.get("/discrepancies").text
    with database.read() as connection:
        (said,) = (each for found in gold.every(connection).of_studies.values() for each in found.values())
        entry = next(each for each in audit.newest(connection, 5) if each.action == "label.correct")
    assert (said.finding, said.assertion, said.actor, said.reason) == ("Pneumothorax", P, "radiologist", "I see it")
    assert entry.actor == "radiologist"
    assert "I see it" not in str(entry.detail)


def test_who_comes_second_is_told(client: Browser, database: Database) -> None:
    """The first verdict stands."""
    differing(database)
    client.log_in("radiologist", PASSWORD)
    judge(client, "Effusion", "report")

    second = judge(client, "Effusion", "model")

    assert second.status == 409
    assert "somebody has judged it" in second.text
    with database.read() as connection:
        kept = concordance.of_study(connection, 1, "Effusion")
    assert kept is not None
    assert (kept.reported, kept.by_person) == (False, True)


def test_what_cannot_be_said_is_compared_no_more(client: Browser, database: Database) -> None:
    """An uncertain label."""
    differing(database)
    client.log_in("radiologist", PASSWORD)
    judge(client, "Effusion", "unsure")

    with database.read() as connection:
        assert concordance.of_study(connection, 1, "Effusion") is None


def test_nonsense_is_answered_in_words(client: Browser, database: Database) -> None:
    """Unknown studies, findings and verdicts, and places that no page ended at."""
    differing(database)
    client.log_in("radiologist", PASSWORD)
    token = client.get("/discrepancies").form_token
    form = {"form_token": token, "study": "9.9", "of": "Effusion", "verdict": "model"}

    assert client.post("/discrepancies", form).status == 409
    assert client.post("/discrepancies", {**form, "of": "Gout"}).status == 409
    assert client.post("/discrepancies", {**form, "verdict": "both"}).status == 400
    assert client.get("/discrepancies?before=x,y&finding=Gout").status == 200
    assert client.get("/discrepancies?before=1,99999999999999999999,Effusion").status == 200


def test_a_long_list_goes_on(client: Browser, database: Database) -> None:
    """Twenty-five a page."""
    with database.write() as connection:
        for number in range(1, 28):
            study_id = read(connection, f"2.25.{number}", {"Effusion": 0.9})
            report(connection, str(number), study_id, {"Effusion": N})
    client.log_in("viewer", PASSWORD)
    page = client.get("/discrepancies?finding=Effusion").text
    further = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")

    rest = client.get(further).text

    assert (page.count("<tr>") - 1, rest.count("<tr>") - 1) == (25, 2)
    assert 'rel="next"' not in rest


def test_agreement_in_figures_and_as_a_chart(client: Browser, database: Database) -> None:
    """Kappa .4 of 50 readings; other groups are counted alone."""
    cells = {(True, True): 20, (True, False): 5, (False, True): 10, (False, False): 15}
    usual = {"week": WEEK, "finding": "Effusion", "model_version": "m1", "sender": "CR1", "view": "PA"}
    with database.write() as connection:
        rows = [{**usual, "present": p, "reported": r, "number": number} for (p, r), number in cells.items()]
        connection.execute(schema.concordance_count.insert(), rows)
        assert len(agreement.counted(connection, Group())) == 4
    client.log_in("viewer", PASSWORD)

    page = client.get("/agreement").text
    others = client.get("/agreement?view=AP&sender=CR1").text

    assert "Effusion, week by week" in page
    assert ">50<" in page
    assert "0.67" in page
    assert page.count('class="line line-') >= 3
    assert ">50<" in others
    assert "There is nothing to compare yet" not in others


def test_without_anything_both_pages_say_what_is_needed(client: Browser) -> None:
    """An empty node."""
    client.log_in("viewer", PASSWORD)

    assert "a mined report that came before it" in client.get("/discrepancies").text
    assert "nothing to compare yet" in client.get("/agreement").text
