"""EXPLAIN ROUTE agrees with where statements then run, on live servers.

Every server writes the statements that reach it to its general log: it tells where each ran first. The account has no
rights outside its own schema, so that nothing of the statements' collection can harm the servers: they are sent, seen and
refused.
"""

import contextlib
import os
import pathlib
import re

import pymysql
import pytest

from conftest import start_wye
from endpoint import wait_until

CORPUS = pathlib.Path(os.environ.get("WYE_STATEMENTS") or
                      pathlib.Path(__file__).resolve().parents[1] / "corpus" / "statements.tsv")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "v": "\v", "f": "\f", "\\": "\\"}
WHERE = "SELECT name FROM whoami"


def unescaped(text):
    out, i = [], 0
    while i < len(text):
        if text[i] == "\\" and text[i + 1:i + 2] in ESCAPES:
            out.append(ESCAPES[text[i + 1]])
            i += 2
        elif text[i:i + 2] == "\\x":
            out.append(chr(int(text[i + 2:i + 4], 16)))
            i += 4
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


# What a session has run when it is in such a context.
CONTEXTS = {
    "none": [],
    "trx": ["BEGIN", "SELECT name FROM app.whoami"],
    "ro_trx": ["START TRANSACTION READ ONLY", "SELECT name FROM app.whoami"],
    "autocommit0": ["SET autocommit = 0"],
    "temp_table": ["CREATE TEMPORARY TABLE cx.tt (i INT)"],
}


def statements(cluster):
    """All that are labelled for this flavor, whatever the version: what the session has run before, and the text, each once."""
    seen = {}
    for line in CORPUS.read_bytes().decode("latin-1").split("\n"):
        row = line.split("\t")
        if line and not line.startswith("#") and row[0].partition("-")[0] == cluster.flavor:
            before = (["SET sql_mode = '%s'" % row[1]] if row[1] else []) + CONTEXTS[row[2]]
            seen.setdefault((tuple(before), unescaped(row[3])), row[2])
    return list(seen)


@pytest.fixture(scope="module")
def wye_options():
    # One worker: the turn that is told is the turn that is taken. No refusal is remembered.
    return ["--threads", "1", "--set", "learned_timeout=0", "--set", "observe_timeout=0", "--set", "slow_start=0"]


@pytest.fixture(scope="module", autouse=True)
def account(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP USER IF EXISTS looker")
        root.run("CREATE USER looker IDENTIFIED BY 'looker'")
        root.run("GRANT SELECT ON app.* TO looker")
        root.run("CREATE DATABASE IF NOT EXISTS cx")
        # Of its own: what it makes by statements of others would be replicated, and seen where it did not run.
        root.run("DROP USER IF EXISTS maker")
        root.run("CREATE USER maker IDENTIFIED BY 'maker'")
        root.run("GRANT SELECT ON app.* TO maker")
        root.run("GRANT CREATE TEMPORARY TABLES ON cx.* TO maker")
    cluster.wait_caught_up()


class Logs:
    """The general logs of all servers, from a moment on."""

    def __init__(self, cluster, directory):
        self.cluster, self.paths, self.at = cluster, {}, {}
        self.directory = directory

    def __enter__(self):
        for server in self.cluster.servers:
            path = self.directory / (server.name + ".general")
            with self.cluster.witness.root(server) as root:
                root.run("SET GLOBAL general_log_file = %s", [str(path)])
                root.run("SET GLOBAL log_output = 'FILE'")
                if self.cluster.flavor == "mysql":
                    root.run("SET GLOBAL log_raw = 1")  # also what cannot be parsed
                root.run("SET GLOBAL general_log = 1")
            self.paths[server.name] = path
        return self

    def __exit__(self, *_):
        for server in self.cluster.servers:
            with self.cluster.witness.root(server) as root:
                root.run("SET GLOBAL general_log = 0")
                if self.cluster.flavor == "mysql":
                    root.run("SET GLOBAL log_raw = 0")

    def texts(self):
        return {name: path.read_bytes().decode("latin-1") for name, path in self.paths.items()}


def explain(wye, statement, clauses=" FOR USER looker IN DATABASE app"):
    """The row, over a connection that sends the statement's bytes as they are."""
    with contextlib.closing(pymysql.connect(host="127.0.0.1", port=wye.admin_port, user="admin", charset="latin1",
                                            cursorclass=pymysql.cursors.DictCursor)) as console:
        with console.cursor() as cursor:
            cursor.execute(("EXPLAIN ROUTE %s%s" % (statement, clauses)).encode("latin-1"))
            return cursor.fetchone()


def after(statements):
    return "".join(" AFTER '%s'" % one.replace("'", "''") for one in statements)


def restore_password(wye, cluster, tls):
    """Some statements change the account's own."""
    with wye.session(user="maker", password="maker", tls=tls):
        pass
    with cluster.witness.root(cluster.primary) as root:
        root.run("ALTER USER looker IDENTIFIED BY 'looker'")
    cluster.wait_caught_up()

    def logs_in():
        try:
            with wye.session(user="looker", tls=tls) as one:
                return one.value("SELECT 1") == 1
        except pymysql.MySQLError:
            return False

    wait_until(logs_in, "the password to be known again")


def leave_a_connection_to_the_primary(wye, user):
    """Who finds none at rest logs in on a replica, and goes on there."""
    with contextlib.closing(wye.connect(user=user)) as connection:
        for statement in ("BEGIN", "SELECT 1", "COMMIT"):
            connection.query(statement)


def explain_and_send(wye, before, statement):
    """In a session of its own, which has logged in before: a login may take a turn too. What comes back does not matter.
    What is told of a session that is supposed to have run something, and of the one that has."""
    user = "maker" if before == tuple(CONTEXTS["temp_table"]) else "looker"
    leave_a_connection_to_the_primary(wye, user)
    with contextlib.closing(wye.connect(user=user, charset="latin1", read_timeout=20)) as connection:
        supposed = explain(wye, statement, " FOR USER %s IN DATABASE app%s" % (user, after(before)))
        for one in before:
            connection.query(one)
        row = explain(wye, statement, " FOR CONNECTION %d" % connection.thread_id())
        with contextlib.suppress(pymysql.MySQLError, OSError, UnicodeError):
            connection._execute_command(3, statement.encode("latin-1"))
            connection._read_query_result()
    return supposed, row


def differs(supposed, row):
    """Of what both tell."""
    return [name for name in ("route", "reason", "server", "outcome", "effects", "pins") if supposed[name] != row[name]]


ATTEMPTS = 5


def explain_and_send_marked(wye, before, statement, number):
    """Both, and the comment that tells the statement from others of the same text; digests do not have it. They are asked again
    where only the server differs: what was sent before may still be taken back from a server, and its connection with it."""
    for attempt in range(ATTEMPTS):
        mark = "/* n%d-%dn */" % (number, attempt)
        supposed, row = explain_and_send(wye, before, "%s %s" % (mark, statement))
        if differs(supposed, row) != ["server"]:
            break
    return mark, supposed, row


def test_every_statement_runs_where_explain_route_says(wye, cluster, tmp_path):
    tls = cluster.flavor == "mysql"
    all_of_them = statements(cluster)
    restore_password(wye, cluster, tls)  # and wye knows it from now on
    assert len(all_of_them) > 250
    names = {server.address: server.name for server in cluster.servers}
    told, wrong = [], []
    with Logs(cluster, tmp_path) as logs:
        for number, (before, statement) in enumerate(all_of_them):
            mark, supposed, row = explain_and_send_marked(wye, before, statement, number)
            told.append((mark, row))
            if differs(supposed, row):
                wrong.append((before, statement, differs(supposed, row), supposed, row))
            if re.search("PASSWORD|IDENTIFIED", statement, re.I):
                restore_password(wye, cluster, tls)
        texts = logs.texts()
    assert wrong == []
    unseen = {}
    for number, (mark, row) in enumerate(told):
        ran = {name for name, text in texts.items() if mark in text}
        expected = {names[row["server"]]} if row["server"] else set()
        if not ran:
            unseen[all_of_them[number][1]] = row["outcome"]
        # A KILL is wye's own: what names none of its sessions it hands on to the primary.
        if row["reason"] == "kill" and ran <= {"primary"}:
            continue
        # A replica that refuses it hands it on to the primary.
        if ran - {"primary"} != expected - {"primary"} or not expected <= ran or (ran and not expected):
            wrong.append((all_of_them[number], row["route"], row["reason"], row["outcome"], expected, ran))
    assert wrong == []
    assert {row["route"] for _, row in told} >= {"replica", "primary", "session", "pin"}
    # What no server has seen, wye has answered itself, and said so before.
    assert [text for text, outcome in unseen.items() if not outcome.startswith("wye ")] == []


def test_a_session_is_explained_as_it_is(wye, cluster):
    """What it has done counts, and looking changes nothing."""
    tls = cluster.flavor == "mysql"
    with wye.session(tls=tls) as session:
        number = " FOR CONNECTION %d" % session.connection.thread_id()
        assert explain(wye, WHERE, number)["route"] == "replica"
        session.run("BEGIN")
        assert explain(wye, WHERE, number)["reason"] == "in-transaction"
        session.run("INSERT INTO explained VALUES (1)")
        for _ in range(3):
            row = explain(wye, WHERE, number)
            assert (row["reason"], row["outcome"]) == ("in-transaction", "runs on the primary")
        assert explain(wye, "SELECT LAST_INSERT_ID()", " FOR SESSION %d" % session.connection.thread_id())["route"] == "pin"
        session.run("ROLLBACK")
        assert explain(wye, WHERE, number)["route"] == "replica"
        session.run("SET @wye_consistency = 'primary'")
        assert explain(wye, WHERE, number)["consistency"].startswith("primary")
        session.run("CREATE TEMPORARY TABLE explained_own (id INT)")
        assert "runs on the primary" in explain(wye, "SELECT * FROM explained_own", number)["outcome"]
        before = wye.console("SELECT pins, server FROM stats_sessions WHERE id = %d" % session.connection.thread_id())
        explain(wye, "DROP TABLE explained_own", number)
        assert wye.console("SELECT pins, server FROM stats_sessions WHERE id = %d"
                           % session.connection.thread_id()) == before
        assert session.value("SELECT COUNT(*) FROM explained_own") == 0


@pytest.mark.parametrize("statement, says", [
    ("EXPLAIN ROUTE SELECT 1 FOR CONNECTION 5", "There is no session 5; SHOW SESSIONS lists them"),
    ("EXPLAIN ROUTE SELECT 1 FOR CONNECTION 1999999999", "There is no session 1999999999"),
    ("EXPLAIN ROUTE SELECT 1 FOR CONNECTION abc", "not by 'abc'"),
    ("EXPLAIN ROUTE SELECT 1 AFTER 'BEGIN' FOR CONNECTION 5", "FOR CONNECTION takes a session as it is"),
])
def test_a_session_that_is_not_there_is_refused(wye, statement, says):
    with pytest.raises(pymysql.MySQLError) as error:
        wye.console(statement)
    assert says in error.value.args[1]


@pytest.fixture(scope="module", autouse=True)
def table(cluster, account):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.explained (id INT)")
    cluster.wait_caught_up()
