"""A large site's database, written by the database's own means: so many studies, each read, delivered and reported.

A study comes every half minute, the last one now. Every seventh has an effusion by the model, every hundredth a
pneumothorax; every eleventh report says otherwise. What the node keeps beside the rows (labels that stand, where model
and report differ, counts by week) is kept here as well.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path

from pydicom.uid import UID

from db import migration, people, studies
from db.engine import Database, connect
from db.people_records import Role
from node.demonstration import phantom
from node.files import Folder
from node.identity import passwords
from tests import stored
from tests.db.rows import arrival
from tests.peers.databases import Postgres

KINDS = ("sqlite", "postgresql")
EVERY_S = 30
IMAGES, ROWS, COLUMNS = 20, 2500, 2048
EFFUSION, NO_EFFUSION = 3 << 4, 1 << 4
"""What `db.standing` makes of a report: two bits for each finding, the third of which is Effusion."""
NORMAL = 3 << 28
WORDS = {
    "sqlite": {
        "numbers": "WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {rows})",
        "at": "strftime('%Y-%m-%d %H:%M:%S.000000', {begin} + {every} * i, 'unixepoch')",
        "week": "date(read_at, '-6 days', 'weekday 1')",
        "false": "0",
        "scores": "'[]'",
        "nothing": "x''",
    },
    "postgresql": {
        "numbers": "WITH numbers AS (SELECT i FROM generate_series(1, {rows}) AS series(i))",
        "at": "to_timestamp({begin} + {every} * i)",
        "week": "date_trunc('week', read_at)::date",
        "false": "FALSE",
        "scores": "'[]'::json",
        "nothing": "''::bytea",
    },
}
STATE = "CASE WHEN i % 50 = 7 THEN 'not_read' WHEN i % 20011 = 9 THEN 'failed' ELSE 'read' END"
SENDER = "CASE WHEN i % 1000 = 3 THEN 'MOBILE' ELSE 'DXROOM' || (i % 4) END"
IS_PRESENT, IS_REPORTED = "(i % 7 = 1)", "((i % 7 = 1) <> (i % 11 = 5))"
STATEMENTS = (
    "INSERT INTO study (study_instance_uid, patient_id, patient_name, sought_name, accession_number, study_date, "
    "state, revision, first_received_at, last_received_at, calling_ae) {numbers} "
    "SELECT '2.25.' || i, 'P' || (i % 300000), 'NAME' || (i % 5000) || '^ANNA', 'name' || (i % 5000) || ' anna', "
    "'A' || i, '20260314', {state}, 1, {at}, {at}, {sender} FROM numbers",
    "INSERT INTO instance (study_id, sop_instance_uid, sop_class_uid, transfer_syntax_uid, series_instance_uid, path, "
    "size, sha256, calling_ae, calling_address, received_at, reason_detail) {numbers} "
    "SELECT i, '2.25.1.' || i, '1.2', '1.2', '2.25.2.' || i, '2026/03/14/' || i, 1, 'S' || i, {sender}, '127.0.0.1', "
    "{at}, '' FROM numbers",
    "INSERT INTO frontal (instance_id, view, collection) {numbers} "
    "SELECT i, CASE WHEN i % 3 = 0 THEN 'AP' ELSE 'PA' END, '' FROM numbers",
    "INSERT INTO job (kind, key, subject_id, revision, state, attempts, postponed, not_before, created_at, ended_at, "
    "error) {numbers} SELECT 'read', 'read:' || i || ':1', i, 1, 'done', 1, 0, {at}, {at}, {at}, "
    "CASE WHEN i % 50 = 7 THEN 'The view is not frontal (PA or AP).' END FROM numbers",
    'INSERT INTO prediction (instance_id, model_version, "rows", "columns", scores, cam, cam_shape, created_at) '
    "{numbers} SELECT i, 'm1', 2500, 2048, {scores}, {nothing}, {scores}, {at} FROM numbers",
    "INSERT INTO positive (study_id, finding, probability, received_at) {numbers} "
    "SELECT i, 'Effusion', 0.5 + (i % 50) / 100.0, {at} FROM numbers WHERE i % 7 = 1 AND i % 50 <> 7",
    "INSERT INTO positive (study_id, finding, probability, received_at) {numbers} "
    "SELECT i, 'Pneumothorax', 0.5 + (i % 50) / 100.0, {at} FROM numbers WHERE i % 97 = 1 AND i % 50 <> 7",
    "INSERT INTO result (job_id, study_id, revision, kind, model_version, sop_class_uid, sop_instance_uid, "
    "series_instance_uid, path, size, sha256, created_at) {numbers} SELECT i, i, 1, 'sr', 'm1', '1.2', '2.26.' || i, "
    "'2.27.' || i, 'r' || i, 10, 's', {at} FROM numbers WHERE i % 50 <> 7",
    "INSERT INTO delivery (result_id, destination, state, sent_at) {numbers} SELECT result.id, 'pacs', "
    "CASE WHEN i % 40009 = 2 THEN 'refused' ELSE 'committed' END, {at} FROM numbers "
    "JOIN result ON result.study_id = numbers.i",
    "INSERT INTO message (sending_application, sending_facility, control_id, message_type, version, raw, sha256, "
    "peer_address, answer, received_at) {numbers} "
    "SELECT 'RIS', 'H', 'M' || i, 'ORU', '2.5.1', {nothing}, 'S' || i, '127.0.0.1', 'AA', {at} FROM numbers",
    "INSERT INTO report (message_id, source, report_key, accession_number, patient_id, modality, procedure, "
    "examination, status, version_at, message_at, text, sections, received_at) {numbers} "
    "SELECT i, 'RIS', 'F' || i, CASE WHEN i % 10 = 0 THEN 'X' ELSE 'A' END || i, 'P' || (i % 300000), 'DX', "
    "'XR Chest', 'chest_radiograph', 'final', {at}, {at}, 'Effusion or not.', '[]', {at} FROM numbers",
    'INSERT INTO link (report_id, study_id, "by", linked_at) {numbers} '
    "SELECT i, i, 'accession', {at} FROM numbers WHERE i % 10 <> 0",
    "INSERT INTO unlinked {numbers} SELECT i FROM numbers WHERE i % 10 = 0",
    "INSERT INTO mining (report_id, lexicon_version, rules_version, language_model, policy, readability, normal, "
    "mined_at) {numbers} SELECT i, '1', '1', '', 'coded', 'mined', {false}, {at} FROM numbers",
    'INSERT INTO mention (mining_id, concept, code, scheme, kind, finding, assertion, sentence, start, "end", section, '
    "rule_id, fired) {numbers} SELECT i, 'effusion', '1', 'S', 'finding', 'Effusion', {assertion}, "
    "'Effusion or not.', 0, 8, '', 'r', '[]' FROM numbers",
    "INSERT INTO label (mining_id, finding, assertion, mention_id) {numbers} "
    "SELECT i, 'Effusion', {assertion}, i FROM numbers",
    "INSERT INTO standing (report_id, version_at, states) {numbers} "
    "SELECT i, {at}, CASE WHEN {reported} THEN {effusion} ELSE {no_effusion} END FROM numbers",
    "INSERT INTO standing_count (states, number) SELECT states, count(*) FROM standing GROUP BY states",
    "INSERT INTO standing_label (finding, assertion, version_at, report_id) {numbers} "
    "SELECT 'Effusion', {assertion}, {at}, i FROM numbers",
    "INSERT INTO concordance (study_id, finding, model_version, read_at, probability, operating_point, reported, "
    "by_person, repeated, sender, view, rank) {numbers} SELECT i, 'Effusion', 'm1', {at}, "
    "CASE WHEN {present} THEN 0.75 ELSE 0.25 END, 0.5, {reported}, {false}, {false}, {sender}, "
    "CASE WHEN i % 3 = 0 THEN 'AP' ELSE 'PA' END, "
    "CASE WHEN {present} <> {reported} THEN 2 + (i % 997) / 1000.0 END FROM numbers "
    "WHERE i % 50 <> 7 AND i % 10 <> 0",
    "INSERT INTO concordance_count (week, finding, model_version, sender, view, present, reported, number) "
    "SELECT {week} AS of_week, finding, model_version, sender, view, probability >= operating_point AS is_there, "
    "reported, count(*) FROM concordance GROUP BY of_week, finding, model_version, sender, view, is_there, reported",
    "INSERT INTO audit (at, actor, action, subject, detail, digest) {numbers} "
    "SELECT {at}, 'node', 'bench', 'S' || i, '{{}}', '' FROM numbers",
)


def fill(database: Database, rows: int, now: datetime) -> None:
    """Write so many of each, the last one now, into an empty database, and bring its schema up to date before."""
    kind = database.engine.dialect.name
    migration.upgrade(database)
    words = WORDS[kind] | {
        "state": STATE,
        "sender": SENDER,
        "present": IS_PRESENT,
        "reported": IS_REPORTED,
        "assertion": f"CASE WHEN {IS_REPORTED} THEN 'positive' ELSE 'negative' END",
        "effusion": str(EFFUSION),
        "no_effusion": str(NO_EFFUSION | NORMAL),
    }
    words["numbers"] = words["numbers"].format(rows=rows)
    words["at"] = words["at"].format(begin=round(now.timestamp()) - EVERY_S * rows, every=EVERY_S)
    with database.write() as connection:
        for statement in STATEMENTS:
            written = statement.format(**words)
            connection.exec_driver_sql(written.replace("%", "%%") if kind == "postgresql" else written)
        if kind == "postgresql":  # as its autovacuum does; SQLite is left as a node leaves it
            connection.exec_driver_sql("ANALYZE")


def prepare(database: Database, folder: Path, rows: int, now: datetime) -> float:
    """Fill a database, a few of the newest studies with an image in the folder's store; or go on with a kept one.

    Returns:
        Seconds it took.
    """
    begin, mark = time.monotonic(), folder / "filled"
    if mark.exists():
        migration.upgrade(database)
    else:
        fill(database, rows, now)
        _add_images(database, Folder(folder / "store"), now)
        clear_up(database)
        mark.touch()
    return time.monotonic() - begin


def _add_images(database: Database, store: Folder, now: datetime) -> None:
    ds = phantom.dataset(rows=ROWS, columns=COLUMNS)
    for number in range(IMAGES):
        ds.StudyInstanceUID = f"2.25.3.{number}"
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.4.{number}")
        came = stored.put(store, ds, arrival(accession_number=f"I{number}", received_at=now))
        with database.write() as connection:
            studies.record_arrival(connection, came, None)
    store.close()


def clear_up(database: Database) -> None:
    """What a database does by itself in its first hour, so that it is not done while something is measured.

    PostgreSQL counts its rows and marks what all may see; SQLite brings what was written into its file, and counts
    nothing, as a node leaves it.
    """
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if database.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
        else:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def opened(kind: str, kept: Path | None = None) -> Iterator[tuple[Database, Path]]:
    """A database of a kind and a folder beside it: new ones, or those that are kept in a folder."""
    with ExitStack() as stack:
        folder = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cxr-bench-")))
        (folder / "data").mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder}/data/cxr.db"
        if kind == "postgresql":
            url = stack.enter_context(closing(Postgres(kept=kept and kept / "postgresql"))).url
        yield stack.enter_context(closing(connect(url))), folder / "data"


def add_administrator(database: Database, password: str, now: datetime) -> None:
    """A person called anna who may see everything."""
    with database.write() as connection:
        people.add(connection, name="anna", password_hash=passwords.hashed(password), role=Role.ADMINISTRATOR, now=now)
