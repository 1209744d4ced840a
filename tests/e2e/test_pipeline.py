"""Short reads of several sessions behind one another on one connection: nobody can tell, whatever becomes of one of them."""

import contextlib
import struct
import threading

import pymysql
import pytest

from conftest import start_wye
from endpoint import Endpoint, wait_until
from wire_client import LONGLONG, WireClient

ROWS = 200
CROWD = 12
READ = "SELECT a, LENGTH(b) FROM app.piped WHERE id = %d"
LONG = "SELECT SLEEP(%d) + id FROM app.piped WHERE id = %d"


@pytest.fixture(scope="module")
def wye_options():
    # One connection at a time for whatever may share one.
    return ["--set", "threads=1", "--set", "pipeline_after=1", "--set", "pipeline_depth=32"]


@pytest.fixture(scope="module", autouse=True)
def table(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP TABLE IF EXISTS app.piped")
        root.run("CREATE TABLE app.piped (id INT PRIMARY KEY, a INT NOT NULL, b TEXT)")
        for number in range(ROWS):
            root.run("INSERT INTO app.piped VALUES (%d, %d, REPEAT('x', %d))" % (number, number * 7, number * 11))
    cluster.wait_caught_up()


def counted(wye, column="pipelined"):
    return wye.console("SELECT SUM(%s) AS n FROM stats_workers" % column)[0]["n"]


class Crowd:
    """Clients that read all the time, each looking at its own answers."""

    def __init__(self, wye):
        self.wye, self.over, self.wrong, self.threads = wye, threading.Event(), [], []

    def __enter__(self):
        before = counted(self.wye)
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(CROWD)]
        for thread in self.threads:
            thread.start()
        wait_until(lambda: counted(self.wye) > before + 100, "reads to stand behind one another")
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads)
        assert self.wrong == []

    def work(self, number):
        try:
            with self.wye.session() as session:
                turn = number * 17
                while not self.over.is_set():
                    turn = (turn + 1) % ROWS
                    row = session.row(READ % turn)
                    if row != (turn * 7, turn * 11):
                        self.wrong.append((turn, row))
        except Exception as error:  # whatever it is, the test is to know
            self.wrong.append(error)


@pytest.fixture
def crowd(wye):
    with Crowd(wye) as one:
        yield one


def test_everybody_gets_his_own_answer(wye, crowd):
    before = counted(wye)
    wait_until(lambda: counted(wye) > before + 2000, "many reads to stand behind one another")


def test_prepared_reads_too(wye, flavor):
    wrong = []

    def work(number):
        with contextlib.closing(Executes(wye, flavor)) as client:
            for turn in range(300):
                key = (number * 31 + turn) % ROWS
                if client.read(key) != key * 7:
                    wrong.append((number, key))

    before = counted(wye)
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(CROWD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert counted(wye) > before


class Executes:
    """A client that prepares once and executes often."""

    def __init__(self, wye, flavor):
        self.client = WireClient(wye, tls=flavor == "mysql")
        self.statement, _, _ = self.client.prepare("SELECT a FROM app.piped WHERE id = ?")

    def read(self, key):
        (row,) = self.client.execute(self.statement, 0, [LONGLONG], [struct.pack("<q", key)])["rows"]
        return struct.unpack("<i", row[2:])[0]

    def close(self):
        self.client.close()


def warnings_of(endpoint, statement):
    with endpoint.session() as session:
        session.run("SET sql_mode = 'ERROR_FOR_DIVISION_BY_ZERO,STRICT_ALL_TABLES'")
        found = []
        for _ in range(40):
            found.append((session.rows(statement), session.rows("SHOW WARNINGS"), session.value("SELECT @@warning_count")))
        return found


@pytest.mark.parametrize("statement", [
    "SELECT a, CAST('12x' AS SIGNED) FROM app.piped WHERE id = 3",
    "SELECT id FROM app.piped WHERE id < CAST('4x' AS SIGNED) ORDER BY id",
])
def test_warnings_are_still_there_when_they_are_asked_for(wye, cluster, crowd, statement):
    direct = warnings_of(Endpoint(cluster.primary.host, cluster.primary.port), statement)
    assert direct[0][1], "the statement warns"
    assert warnings_of(wye, statement) == direct


def test_an_error_is_the_one_who_made_its_own(wye, crowd):
    with wye.session() as session:
        for _ in range(40):
            assert session.error("SELECT (SELECT id FROM app.piped) FROM app.piped WHERE id = 1") == 1242
            assert [row[1] for row in session.rows("SHOW ERRORS")] == [1242]
            assert session.row(READ % 5) == (35, 55)


def test_found_rows_are_those_of_the_sessions_own_read(wye, crowd):
    with wye.session() as session:
        for number in range(1, 40):
            session.rows("SELECT id FROM app.piped WHERE id < %d" % number)
            assert session.value("SELECT FOUND_ROWS()") == number


def test_clients_that_leave_in_the_middle_harm_nobody(wye, crowd):
    for number in range(60):
        connection = wye.connect()
        connection._execute_command(3, READ % (number % ROWS))
        connection._sock.close()
        with contextlib.suppress(Exception):
            connection.close()
    before = counted(wye)
    wait_until(lambda: counted(wye) > before + 200, "reads to go on")


def running(cluster, text):
    found = []
    for server in cluster.servers:
        with cluster.witness.root(server) as root:
            found += [(server, row[0]) for row in root.rows(
                "SELECT id FROM information_schema.processlist WHERE info LIKE %s", [text])]
    return found


def test_nobody_waits_for_one_that_turns_out_to_be_long(wye, cluster, crowd):
    """It was quick a hundred times; then it sleeps, and the others are answered while it does."""
    with wye.session() as session:
        for number in range(100):
            assert session.value(LONG % (0, number)) == number
        sleeper = threading.Thread(target=lambda: session.error(LONG % (100, 1)), daemon=True)
        sleeper.start()
        wait_until(lambda: running(cluster, "SELECT SLEEP(100)%"), "the long read to run")
        with wye.session() as other:
            for number in range(200):
                assert other.row(READ % (number % ROWS)) == (number % ROWS * 7, number % ROWS * 11)
            assert running(cluster, "SELECT SLEEP(100)%")
            other.run("KILL %d" % session.connection.thread_id())
        sleeper.join(60)
        assert not sleeper.is_alive()


def test_a_connection_that_is_lost_costs_nobody_an_error(wye, cluster, crowd):
    for _ in range(10):
        for server in cluster.replicas:
            with cluster.witness.root(server) as root:
                for (number,) in root.rows("SELECT id FROM information_schema.processlist WHERE user = 'app'"):
                    with contextlib.suppress(pymysql.MySQLError):
                        root.run("KILL %d" % number)
        before = counted(wye)
        wait_until(lambda: counted(wye) > before + 100, "reads to stand behind one another again")


def test_kill_query_of_any_of_them_harms_no_other(wye, crowd):
    with wye.session() as session, wye.session() as killer:
        stop = threading.Event()

        def kill():
            while not stop.is_set():
                killer.run("KILL QUERY %d" % session.connection.thread_id())

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        interrupted = 0
        for number in range(300):
            try:
                assert session.row(READ % (number % ROWS)) == (number % ROWS * 7, number % ROWS * 11)
            except pymysql.MySQLError as error:
                assert error.args[0] == 1317
                interrupted += 1
        stop.set()
        thread.join(60)
        assert interrupted < 300


def test_who_needs_a_connection_of_his_own_gets_one(cluster, wye_options, tmp_path):
    """Reads that never end would keep the only connection to each replica for themselves."""
    wye = start_wye(cluster, tmp_path, *wye_options, "--set", "server_max_connections=1")
    try:
        with Crowd(wye), wye.session() as session:
            before = counted(wye)
            for number in range(30):
                assert session.value("SELECT %d" % number) == number
            wait_until(lambda: counted(wye) > before, "reads to stand behind one another")
    finally:
        wye.kill()


def test_it_can_be_switched_off(wye, crowd):
    wye.console("SET pipeline_depth = 0")
    try:
        def rests():
            before = counted(wye)
            with wye.session() as session:
                for number in range(50):
                    assert session.row(READ % number) == (number * 7, number * 11)
            return counted(wye) == before
        wait_until(rests, "no read to stand behind another")
    finally:
        wye.console("SET pipeline_depth = 32")
