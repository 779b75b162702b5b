"""The labels page and its downloads."""

import csv
import io
import re

from db import standing
from db.engine import Database
from tests.db.label_rows import P, add_report, fill, mine
from tests.node.console.browser import Browser
from tests.node.console.conftest import PASSWORD


def filled(database: Database) -> None:
    """The store that was counted by hand."""
    with database.write() as connection:
        ids = fill(connection)
        standing.refresh(connection, list(range(1, ids["r9"] + 1)))


def test_the_counts_are_those_of_the_store(client: Browser, database: Database):
    """Table 1: label, positive, with another, uncertain, negative, by people; as counted by hand in `fill`."""
    filled(database)
    client.log_in("viewer", PASSWORD)
    page = client.get("/labels")

    rows = re.findall(r'<tr><th scope="row">(.*?)</tr>', page.text, re.DOTALL)
    cells = [re.findall(r">([^<>\n]+)<", f">{row}") for row in rows]
    assert cells[0] == ["Atelectasis", "1", "1", "0", "0", "0"]
    assert cells[2] == ["Effusion", "2", "1", "0", "1", "1"]
    assert cells[8] == ["Normal", "1", "0"]
    assert cells[11] == ["Total", "5", "1", "1", "3", "1"]
    assert "Atelectasis and Effusion: 1" in page.text
    assert 'href="/labels/all.csv"' not in page.text
    assert "Edema" in client.get("/labels?findings=14").text


def test_without_reports_it_says_what_to_do(client: Browser):
    """An empty node."""
    client.log_in("viewer", PASSWORD)

    assert "cxr reports import" in client.get("/labels").text


def test_the_table_as_csv(client: Browser, database: Database):
    """With the columns of the page."""
    filled(database)
    client.log_in("viewer", PASSWORD)
    answer = client.get("/labels/table.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="table1.csv"'
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["label", "reports", "overlap", "uncertain", "negative", "gold"]
    assert rows[3] == ["Effusion", "2", "1", "0", "1", "1"]


def test_no_spreadsheet_computes_what_a_sender_wrote(client: Browser, database: Database):
    """CSV formulas: an accession number that begins one begins with an apostrophe in the file."""
    formula = '=HYPERLINK("http://evil.example";"look")'
    with database.write() as connection:
        report_id = add_report(connection, "1", accession_number=formula)
        mine(connection, report_id, {"Effusion": P})
    client.log_in("radiologist", PASSWORD)
    (row,) = csv.DictReader(io.StringIO(client.get("/labels/all.csv").text))

    assert row["accession_number"] == f"'{formula}"
    assert (row["finding"], row["assertion"], row["by"]) == ("Effusion", "positive", "mined")


def test_a_database_that_breaks_off_says_so(client: Browser, database: Database):
    """A page and no stack trace."""
    client.log_in("viewer", PASSWORD)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE standing_count RENAME TO gone")

    answer = client.get("/labels")

    assert answer.status == 503
    assert "The database does not answer." in answer.text
