"""What the clients of a long run do again and again. Each answer is told from every other client's: one that was meant for
somebody else is a WrongAnswer, and so is a read that misses what its own session has written."""

import contextlib
import functools
import itertools
import random
import socket
import struct
import threading
import time

import pymysql

from wire_client import LONG, WireClient

NUMBERS = itertools.count(1)
ROWS = 100
WIDE_ROWS = 200
WIDE = 10000  # characters


class WrongAnswer(Exception):
    MARK = "wrong answer: "

    def __init__(self, text):
        super().__init__(self.MARK + text)


def expect(got, wanted, what):
    if got != wanted:
        raise WrongAnswer("%s: %.200r in place of %.200r" % (what, got, wanted))


class Stopwatch:
    """The longest that anything took, in seconds, by the name of the work."""

    def __init__(self):
        self.longest = {}
        self._lock = threading.Lock()

    def timed(self, work):
        @functools.wraps(work)
        def run(session):
            begun = time.monotonic()
            try:
                return work(session)
            finally:
                took = time.monotonic() - begun
                with self._lock:
                    self.longest[work.__name__] = max(took, self.longest.get(work.__name__, 0))
        return run


def prepare(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP TABLE IF EXISTS app.long_rows, app.long_wide, app.long_own")
        root.run("CREATE TABLE app.long_rows (id INT PRIMARY KEY, v INT NOT NULL)")
        root.run("CREATE TABLE app.long_wide (id INT PRIMARY KEY, v TEXT NOT NULL)")
        root.run("CREATE TABLE app.long_own (client BIGINT PRIMARY KEY, v BIGINT NOT NULL)")
        root.run("INSERT INTO app.long_rows VALUES %s" % ", ".join("(%d, %d)" % (i, i * i) for i in range(ROWS)))
        for i in range(WIDE_ROWS):
            root.run("INSERT INTO app.long_wide VALUES (%d, REPEAT('%d-', %d))" % (i, i % 10, WIDE // 2))
    cluster.wait_caught_up()


def reads(session):
    number, i = next(NUMBERS), random.randrange(ROWS)
    expect(session.row("SELECT %s, v FROM long_rows WHERE id = %s", [number, i]), (number, i * i), "a read")


def reads_its_own_writes(session):
    number, client = next(NUMBERS), session.value("SELECT CONNECTION_ID()")
    session.run("REPLACE INTO long_own VALUES (%s, %s)", [client, number])
    expect(session.value("SELECT v FROM long_own WHERE client = %s", [client]), number, "its own write")


def keeps_state(session):
    number = next(NUMBERS)
    session.run("SET @mine = %s, sql_select_limit = %s", [number, 5 + number % 3])
    for _ in range(5):
        expect(session.row("SELECT @mine, @@sql_select_limit FROM long_rows LIMIT 1"), (number, 5 + number % 3), "its state")


def has_a_temporary_table(session):
    number = next(NUMBERS)
    session.run("CREATE TEMPORARY TABLE mine (v BIGINT)")
    session.run("INSERT INTO mine VALUES (%s)", [number])
    expect(session.rows("SELECT v FROM mine"), [(number,)], "its temporary table")
    session.run("DROP TEMPORARY TABLE mine")


def says_what_nobody_has_said(session):
    """Another digest each time."""
    number = next(NUMBERS)
    expect(session.value("SELECT v AS a%d FROM long_rows WHERE id = 3" % number), 9, "a new statement")


def reads_much(session):
    rows = session.rows("SELECT id, v FROM long_wide")
    expect(len(rows), WIDE_ROWS, "a large result")
    for i, text in rows:
        expect(text, "%d-" % (i % 10) * (WIDE // 2), "a wide row")


def comes_and_goes(wye, tls):
    """A client that stays for one statement, in one of the ways in."""
    def comes_and_goes(_):
        number = next(NUMBERS)
        with wye.session(tls=tls or bool(number % 2), by_socket=not tls and number % 3 == 0) as session:
            expect(session.value("SELECT %s", [number]), number, "a newcomer's read")
    return comes_and_goes


def leaves_in_the_middle(wye, tls):
    def leaves_in_the_middle(_):
        with WireClient(wye, tls=tls) as client:
            client.write(b"\x03SELECT id, v FROM long_wide")
            client.raw_read(random.randrange(1, 100000))
    return leaves_in_the_middle


def breaks_off_its_login(wye):
    def breaks_off_its_login(_):
        with socket.create_connection((wye.host, wye.port), timeout=60) as client:
            client.recv(1024)
            client.sendall(random.randbytes(random.randrange(0, 60)))
    return breaks_off_its_login


def prepares(wye, tls):
    """Statements that are executed several times over, and not all of them closed."""
    def prepares(_):
        with WireClient(wye, tls=tls) as client:
            for _ in range(5):
                number = next(NUMBERS)
                statement, *_ = client.prepare("SELECT v + ? AS a%d FROM long_rows WHERE id = ?" % (number % 50))
                for i in range(3):
                    rows = client.execute(statement, types=[LONG, LONG],
                                          values=[struct.pack("<i", number % 1000), struct.pack("<i", i)])["rows"]
                    expect(int.from_bytes(rows[0][2:10], "little"), number % 1000 + i * i, "a prepared read")
                if number % 2:
                    client.close_statement(statement)
    return prepares


def is_a_new_account(wye):
    """Made, used and dropped through wye."""
    def is_a_new_account(_):
        name = "long%d" % (next(NUMBERS) % 20)
        with wye.session("admin", tls=True) as admin:
            admin.run("DROP USER IF EXISTS %s@'%%'" % name)
            admin.run("CREATE USER %s@'%%' IDENTIFIED BY '%s'" % (name, name))
            try:
                with wye.session(name, database=None, tls=True) as session:
                    expect(session.value("SELECT 7"), 7, "a new account's read")
                with contextlib.suppress(pymysql.OperationalError), wye.session(name, "wrong", database=None, tls=True):
                    raise WrongAnswer("a wrong password was let in")
            finally:
                admin.run("DROP USER IF EXISTS %s@'%%'" % name)
    return is_a_new_account
