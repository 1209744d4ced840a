"""What wye counts of statements: by digest, by server and kind, and the errors they met."""

import struct
import threading

import pytest

from conftest import start_wye
from endpoint import wait_until

LONGLONG = 8


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.timed (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(40), UNIQUE (v))")
        root.run("REPLACE INTO app.timed (id, v) VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    cluster.wait_caught_up()


@pytest.fixture(scope="module")
def small(cluster, tmp_path_factory):
    """A wye with one connection to each server, and room for twenty digests."""
    one = start_wye(cluster, tmp_path_factory.mktemp("small"), "--threads", "1", "--set", "statement_digests=20", "--set",
                    "server_max_connections=1")
    try:
        yield one
        one.finish()
    finally:
        one.kill()


def statements(wye, text):
    """The rows whose digest text contains this, in whatever case: digests have the grammar's words in capitals."""
    return [row for row in wye.console("SELECT * FROM stats_statements") if text.lower() in row["text"].lower()]


def total(rows, column):
    return sum(row[column] for row in rows)


def test_statements_are_counted_by_digest_and_server(wye, cluster):
    with wye.session() as session:
        for i in range(30):
            session.run("SELECT v, 'counted', %d FROM timed WHERE id < %d" % (i, 2 + i % 3))
        for i in range(5):
            session.run("UPDATE timed SET v = v WHERE id = %d" % i)
    rows = statements(wye, "SELECT v, ?, ? FROM timed WHERE id < ?")
    assert total(rows, "statements") == 30
    assert total(rows, "rows_sent") == 60
    assert total(rows, "errors") == 0
    assert {row["server"] for row in rows} <= {server.address for server in cluster.replicas}
    assert len({row["digest"] for row in rows}) == 1
    assert {(row["user"], row["schema"]) for row in rows} == {("app", "app")}
    for row in rows:
        assert row["bytes_received"] > 40 * row["statements"] and row["bytes_sent"] > 40 * row["statements"]
        assert row["server_us"] > 0
        assert row["time_us"] >= row["server_us"] + row["own_us"] + row["queue_us"]
        assert row["min_us"] <= row["p50_us"] <= row["p95_us"] <= row["p99_us"] <= row["max_us"]
        assert row["server_p50_us"] <= row["server_p99_us"] <= row["max_us"]
        assert row["queue_us"] or row["queue_p50_us"] == 0
        assert row["first_seen"] <= row["last_seen"]
    (row,) = statements(wye, "UPDATE timed SET v = v WHERE id = ?")
    assert (row["server"], row["statements"]) == (cluster.primary.address, 5)


def test_prepared_statements_count_where_they_are_executed(wye, cluster, client):
    one = client(database="app")
    number, _, _ = one.prepare("SELECT v FROM timed WHERE id = ? AND 'prepared' <> ''")
    for i in range(7):
        one.execute(number, 0, [LONGLONG], [struct.pack("<q", 1 + i % 3)])
    rows = statements(wye, "AND ? <> ?")
    assert total(rows, "statements") == 7 and total(rows, "rows_sent") == 7


def test_the_time_at_the_server_is_apart_from_that_in_the_queue(small):
    with small.session() as holder, small.session() as other:
        holder.run("BEGIN")
        holder.run("SELECT SLEEP(0.05) FROM timed WHERE id = 1 FOR UPDATE")
        line = threading.Thread(target=other.run, args=["SELECT 'in line', v FROM timed WHERE id = 1 FOR UPDATE"])
        line.start()
        wait_until(lambda: small.console("SELECT sum(queued) AS n FROM stats_workers")[0]["n"],
                   "the other session to wait for the only connection")
        holder.run("SELECT SLEEP(0.1) FROM timed WHERE id = 2 FOR UPDATE")
        holder.run("COMMIT")
        line.join()
    (row,) = statements(small, "SELECT SLEEP(?) FROM timed WHERE id = ? FOR UPDATE")
    assert row["server_us"] >= 150000 and row["server_p99_us"] >= 90000
    (row,) = statements(small, "SELECT ?, v FROM timed WHERE id = ? FOR UPDATE")
    assert row["queue_us"] >= 100000 and row["queue_p50_us"] >= 90000
    assert row["time_us"] >= row["queue_us"] + row["server_us"]


def test_what_wye_answers_itself_has_no_server(wye):
    with wye.session() as session:
        session.run("SELECT CONNECTION_ID()")
    rows = statements(wye, "SELECT CONNECTION_ID()")
    assert [row["server"] for row in rows] == [None]
    assert total(rows, "server_us") == 0


def test_times_by_server_and_kind(wye, cluster):
    def kinds():
        return {(row["server"], row["class"]): row["statements"] for row in wye.console("SELECT * FROM stats_latency")}
    before = kinds()
    with wye.session() as session:
        session.run("INSERT INTO timed (v) VALUES ('kinds')")
        session.run("DELETE FROM timed WHERE v = 'kinds'")
        session.run("CREATE TABLE timed_too (id INT)")
        session.run("DROP TABLE timed_too")
        session.run("SELECT v FROM timed WHERE id = 1 FOR UPDATE")
        session.run("BEGIN")
        session.run("SELECT 1")
        session.run("ROLLBACK")
        session.run("SET @a = 1")
    grown = {key: n - before.get(key, 0) for key, n in kinds().items() if n != before.get(key, 0)}
    primary = cluster.primary.address
    assert grown[(primary, "write")] == 2
    assert grown[(primary, "definition")] == 2
    assert grown[(primary, "primary-read")] == 2
    assert grown[(primary, "transaction")] == 1
    assert grown[(None, "transaction")] == 1
    assert sum(n for (_, kind), n in grown.items() if kind == "session") == 1
    for row in wye.console("SELECT * FROM stats_latency"):
        assert row["p50_us"] <= row["p95_us"] <= row["p99_us"] <= row["max_us"]


def test_errors_by_server_account_and_code_without_data(wye, cluster):
    wye.console("RESET ERRORS")
    with wye.session() as session:
        for _ in range(3):
            session.error("INSERT INTO timed (v) VALUES ('one')")
        session.error("SELECT nothing FROM timed")
        session.error("SELECT secret 'of mine' FROM FROM")
    rows = {row["code"]: row for row in wye.console("SELECT * FROM stats_errors")}
    row = rows[1062]
    assert (row["server"], row["user"], row["errors"], row["sqlstate"]) == (cluster.primary.address, "app", 3, "23000")
    assert row["text"].startswith("Duplicate entry '?' for key '") and "one" not in row["text"]
    assert row["statement"] == "INSERT INTO timed(v) VALUES (...)"
    assert row["first_seen"] <= row["last_seen"]
    (statement,) = statements(wye, "INSERT INTO timed(v) VALUES (...)")
    assert row["digest"] == statement["digest"] and statement["errors"] >= 3
    assert "nothing" in rows[1054]["text"]
    assert "mine" not in rows[1064]["text"]
    assert wye.console("SELECT sum(errors) AS n FROM stats_errors")[0]["n"] == 5


def test_reset_begins_anew(wye):
    with wye.session() as session:
        session.run("SELECT 'reset', 1 FROM timed WHERE id = 1")
        session.run("SELECT 'reset', v FROM timed WHERE id = 1")
    (one,) = statements(wye, "SELECT ?, ? FROM timed WHERE id = ?")
    wye.console("RESET STATEMENTS '%s'" % one["digest"])
    assert not statements(wye, "SELECT ?, ? FROM timed WHERE id = ?")
    assert statements(wye, "SELECT ?, v FROM timed WHERE id = ?")
    wye.console("RESET STATEMENTS")
    assert not wye.console("SELECT * FROM stats_statements")
    assert not wye.console("SELECT * FROM stats_latency")
    with pytest.raises(Exception, match="no digest"):
        wye.console("RESET STATEMENTS 'nonsense'")


def test_switched_off_nothing_is_counted(wye):
    wye.console("SET statement_statistics = off")
    try:
        # A worker takes a new setting up between two statements.
        with wye.session() as session:
            def unheard():
                wye.console("RESET STATEMENTS")
                session.run("SELECT 'off' FROM timed WHERE id = 1")
                return not wye.console("SELECT * FROM stats_statements")
            wait_until(unheard, "the workers to count nothing")
    finally:
        wye.console("SET statement_statistics = on")


def test_more_digests_than_there_is_room_for_are_folded(small):
    small.console("RESET STATEMENTS")
    with small.session() as session:
        for i in range(200):
            session.run("SELECT v AS a%d FROM timed WHERE id = 1" % i)
            session.run("SELECT v AS often FROM timed WHERE id = 1 FOR UPDATE")
    rows = small.console("SELECT * FROM stats_statements")
    others = [row for row in rows if row["digest"] == "others"]
    assert len(rows) - len(others) <= 20
    assert total(rows, "statements") == 400
    assert 0 < total(others, "statements") <= 200
    (often,) = [row for row in rows if row["text"].startswith("SELECT v AS often")]
    assert often["statements"] == 200
