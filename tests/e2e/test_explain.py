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


def statements(cluster):
    """Those of this flavor that are meant for a session outside of everything, each once."""
    name = "mariadb-10.11" if cluster.flavor == "mariadb" else "mysql-9.7"
    seen = {}
    for line in CORPUS.read_bytes().decode("latin-1").split("\n"):
        row = line.split("\t")
        if line and not line.startswith("#") and row[0] == name and not row[1] and row[2] == "none":
            seen.setdefault(unescaped(row[3]), row[4])
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


def explain(wye, statement, **clauses):
    """The row, over a connection that sends the statement's bytes as they are."""
    with contextlib.closing(pymysql.connect(host="127.0.0.1", port=wye.admin_port, user="admin", charset="latin1",
                                            cursorclass=pymysql.cursors.DictCursor)) as console:
        with console.cursor() as cursor:
            cursor.execute(("EXPLAIN ROUTE %s%s" % (statement, " FOR USER looker IN DATABASE app")).encode("latin-1"))
            return cursor.fetchone()


def restore_password(wye, cluster, tls):
    """Some statements change the account's own."""
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


def explain_and_send(wye, statement):
    """In a session of its own, which has logged in before: a login may take a turn too. What comes back does not matter."""
    with contextlib.closing(wye.connect(user="looker", charset="latin1", read_timeout=20)) as connection:
        row = explain(wye, statement)
        with contextlib.suppress(pymysql.MySQLError, OSError, UnicodeError):
            connection._execute_command(3, statement.encode("latin-1"))
            connection._read_query_result()
    return row


def test_every_statement_runs_where_explain_route_says(wye, cluster, tmp_path):
    tls = cluster.flavor == "mysql"
    all_of_them = statements(cluster)
    restore_password(wye, cluster, tls)  # and wye knows it from now on
    assert len(all_of_them) > 200
    names = {server.address: server.name for server in cluster.servers}
    told = []
    with Logs(cluster, tmp_path) as logs:
        for number, statement in enumerate(all_of_them):
            # A comment that tells the statement from others of the same text; digests do not have it.
            marked = "/* n%dn */ %s" % (number, statement)
            told.append(explain_and_send(wye, marked))
            if re.search("PASSWORD|IDENTIFIED", statement, re.I):
                restore_password(wye, cluster, tls)
        texts = logs.texts()
    wrong = []
    for number, row in enumerate(told):
        mark = "/* n%dn */" % number
        ran = {name for name, text in texts.items() if mark in text}
        expected = {names[row["server"]]} if row["server"] else set()
        # A KILL is wye's own: what names none of its sessions it hands on to the primary.
        if row["reason"] == "kill" and ran <= {"primary"}:
            continue
        # A replica that refuses it hands it on to the primary.
        if ran - {"primary"} != expected - {"primary"} or not expected <= ran or (ran and not expected):
            wrong.append((all_of_them[number], row["route"], row["reason"], row["outcome"], expected, ran))
    assert wrong == []
    assert {row["route"] for row in told} >= {"replica", "primary", "session", "pin"}
