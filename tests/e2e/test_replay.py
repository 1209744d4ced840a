"""Open transactions outlive their primary: they are run again on the next one, and their clients do not notice."""

import contextlib
import re
import struct
import threading

import pymysql
import pytest

from conftest import start_wye
from endpoint import Session, wait_until
from servers_seen import Witness
from test_semi_sync import Replication
from wire_client import CLOSE, LONGLONG, VAR_STRING, WireClient, lenenc, statement
from wye_cluster import Cluster

ROLLED_BACK = 1213
RESET_CONNECTION = 0x1F
INSERTED, SAME_ID = object(), object()


class Fails:
    """An error that a statement is expected to end in."""

    def __init__(self, code):
        self.code = code


# What clients do, one statement after the other, and what they must see. {row} is a row of their own, with v = 0 at first;
# {id} the number that their last INSERT got. At the end v is as told.
SHAPES = {
    "a plain one": (1, [
        ("BEGIN",), ("UPDATE rows_ SET v = v + 1 WHERE id = {row}",), ("SELECT v FROM rows_ WHERE id = {row}", 1),
        ("INSERT INTO log_ (who, note) VALUES ({row}, 'a')", INSERTED), ("SELECT LAST_INSERT_ID()", SAME_ID),
        ("SELECT note FROM log_ WHERE id = {id}", "a"), ("COMMIT",)]),
    "autocommit=0": (2, [
        ("SET autocommit = 0",), ("UPDATE rows_ SET v = v + 2 WHERE id = {row}",),
        ("SELECT v FROM rows_ WHERE id = {row}", 2), ("COMMIT",), ("SELECT v FROM rows_ WHERE id = {row}", 2), ("COMMIT",)]),
    "locking reads": (5, [
        ("START TRANSACTION",), ("SELECT v FROM rows_ WHERE id = {row} FOR UPDATE", 0),
        ("UPDATE rows_ SET v = 5 WHERE id = {row}",), ("COMMIT",)]),
    "savepoints": (1, [
        ("BEGIN",), ("UPDATE rows_ SET v = v + 1 WHERE id = {row}",), ("SAVEPOINT a",),
        ("UPDATE rows_ SET v = v + 10 WHERE id = {row}",), ("ROLLBACK TO a",), ("SELECT v FROM rows_ WHERE id = {row}", 1),
        ("COMMIT",)]),
    "what is set in it": (5, [
        ("SET time_zone = '+03:00'",), ("BEGIN",), ("SET @x = 5",), ("UPDATE rows_ SET v = v + @x WHERE id = {row}",),
        ("SET time_zone = '+04:00'",), ("SELECT CONCAT(@x, @@time_zone)", "5+04:00"), ("COMMIT",),
        ("SELECT CONCAT(@x, @@time_zone)", "5+04:00")]),
    "an error in it": (1, [
        ("BEGIN",), ("INSERT INTO rows_ (id, v) VALUES ({row}, 9)", Fails(1062)),
        ("UPDATE rows_ SET v = v + 1 WHERE id = {row}",), ("SELECT nothing FROM rows_", Fails(1054)), ("COMMIT",)]),
    "an isolation level of its own": (1, [
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",), ("START TRANSACTION",),
        ("SELECT v FROM rows_ WHERE id = {row}", 0), ("UPDATE rows_ SET v = v + 1 WHERE id = {row}",), ("COMMIT",)]),
    "one that is rolled back": (0, [
        ("BEGIN",), ("UPDATE rows_ SET v = v + 1 WHERE id = {row}",), ("ROLLBACK",),
        ("SELECT v FROM rows_ WHERE id = {row}", 0)]),
    "a variable from data": (7, [
        ("BEGIN",), ("SELECT v + 7 INTO @y FROM rows_ WHERE id = {row}",), ("UPDATE rows_ SET v = @y WHERE id = {row}",),
        ("SELECT @y", 7), ("COMMIT",)]),
    "a READ ONLY one": (0, [
        ("START TRANSACTION READ ONLY",), ("SELECT v FROM rows_ WHERE id = {row}", 0),
        ("SELECT v FROM rows_ WHERE id = {row}", 0), ("COMMIT",)]),
    "one after the other": (2, [
        ("BEGIN",), ("UPDATE rows_ SET v = v + 1 WHERE id = {row}",), ("BEGIN",),
        ("UPDATE rows_ SET v = v + 1 WHERE id = {row}",), ("COMMIT",)]),
}


class Client:
    """Runs a shape on a row of its own, up to any statement, and later on from there."""

    def __init__(self, wye, shape, row):
        self.session = Session(wye.connect())
        self.name = shape
        self.v, self.steps = SHAPES[shape]
        self.row, self.at, self.id = row, 0, None

    def go_on(self, until=None):
        for step in self.steps[self.at:until]:
            self.at += 1
            self.step(step[0].format(row=self.row, id=self.id), step[1] if len(step) > 1 else None)

    def step(self, text, expected):
        if isinstance(expected, Fails):
            assert self.session.error(text) == expected.code, (self.name, text)
            return
        value = self.session.value(text)
        if expected is INSERTED:
            self.id = self.session.connection.insert_id()
        elif expected is not None:
            assert value == (self.id if expected is SAME_ID else expected), (self.name, self.at, text)


def replays(wye):
    row = wye.console("SELECT SUM(replays) AS tried, SUM(replays_done) AS done, SUM(replays_differed) AS differed"
                      " FROM stats_workers")[0]
    return {name: int(value) for name, value in row.items()}


@pytest.fixture
def own(cluster, tmp_path):
    """A cluster whose primary may die for good, with a row for every client."""
    with Cluster(cluster.flavor, replicas=2, directory=tmp_path / "cluster") as one:
        one.witness = Witness(one)
        with one.witness.root(one.primary) as root:
            root.run("CREATE TABLE app.rows_ (id INT PRIMARY KEY, v INT NOT NULL)")
            root.run("CREATE TABLE app.log_ (id INT PRIMARY KEY AUTO_INCREMENT, who INT NOT NULL, note TEXT)")
            root.run("INSERT INTO app.rows_ VALUES %s" % ", ".join("(%d, 0)" % i for i in range(1, 400)))
        one.wait_caught_up()
        yield one


@pytest.fixture
def wye(own, tmp_path, wye_binary):
    one = start_wye(own, tmp_path / "wye", "--set", "failover_timeout=1m", "--set", "queue_timeout=1m",
                    "--set", "transaction_replay_max_bytes=64K", "--set", "monitor_interval=200ms")
    try:
        yield one
        one.finish()
    finally:
        one.kill()


def heard_of(cluster, server):
    """The position up to which a replica has the primary's transactions, applied or not."""
    row = cluster.sql(server, cluster.kind.show_replica)[0]
    return (row.get("Gtid_IO_Pos") or row.get("Retrieved_Gtid_Set") or "").replace("\n", "")


def last_number(position):
    return int((re.findall(r"\d+", position) or [0])[-1])


def promote(cluster, before=()):
    """As an outside tool does it, when the primary is dead: the replica that has heard the most applies it, and is the next.
    `before`: what is changed there first."""
    for server in cluster.replicas:
        cluster.sql(server, "STOP REPLICA IO_THREAD")
    other, new = sorted(cluster.replicas, key=lambda server: last_number(heard_of(cluster, server)))
    wait = "WAIT_FOR_EXECUTED_GTID_SET" if cluster.flavor == "mysql" else "MASTER_GTID_WAIT"
    cluster.sql(new, "SELECT %s('%s', 30)" % (wait, heard_of(cluster, new)), timeout=60)
    for server in (new, other):
        cluster.sql(server, "STOP REPLICA")
    cluster.sql(new, "RESET REPLICA ALL")
    if cluster.flavor == "mysql":
        cluster.sql(new, "SET GLOBAL super_read_only = 0")
    for text in before:
        cluster.sql(new, text)
    cluster.sql(other, cluster.kind.replicate_sql(new))
    cluster.sql(new, "SET GLOBAL read_only = 0")
    return new


def is_running(cluster, count):
    return lambda: len(cluster.sql("primary", "SELECT id FROM information_schema.processlist WHERE user = 'app' AND"
                                              " info LIKE '%blocked%'")) >= count


class Blocked:
    """A statement that its server is in the middle of, waiting for a lock."""

    def __init__(self, client, text):
        self.client, self.text, self.fault = client, text, None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.client.session.run(self.text)
        except Exception as error:
            self.fault = error

    def end(self):
        self.thread.join(120)
        assert not self.thread.is_alive(), "a statement hangs: %s" % self.text
        return self.fault


def v_of(session, row):
    return session.value("SELECT v FROM rows_ WHERE id = %s FOR UPDATE", [row])


def test_transactions_of_all_shapes_go_on_at_the_next_primary_whatever_statement_they_were_at(own, wye):
    clients, blocked, row = [], [], 0
    for shape, (_, steps) in SHAPES.items():
        for at in range(1, len(steps) + 1):
            row += 1
            clients.append(Client(wye, shape, row))
            clients[-1].go_on(at)
    with own.witness.root(own.primary) as lock:
        lock.run("BEGIN")
        lock.run("SELECT * FROM app.rows_ WHERE id >= 300 FOR UPDATE")
        for i, begin in enumerate(("BEGIN", "SET autocommit = 0", "START TRANSACTION")):
            client = Client(wye, "a plain one", 0)
            client.session.run(begin)
            if i:
                client.session.run("UPDATE rows_ SET v = v + 1 WHERE id = %s", [290 + i])
            blocked.append(Blocked(client, "UPDATE rows_ SET v = v + 1 WHERE id = %d /* blocked */" % (300 + i)))
        wait_until(is_running(own, 3), "the statements to wait for their locks")
        own.wait_caught_up()
        own.kill("primary")
    promote(own)
    assert [one.end() for one in blocked] == [None, None, None]
    wait_until(lambda: replays(wye)["tried"] == replays(wye)["done"], "all to be run again")
    for client in clients:
        client.go_on()
    with wye.session() as session:
        assert [(one.name, v_of(session, one.row)) for one in clients] == [(one.name, one.v) for one in clients]
        for one in blocked:
            one.client.session.run("COMMIT")
        assert [v_of(session, row) for row in (300, 301, 302, 291, 292)] == [1, 1, 1, 1, 1]
        plain = [one for one in clients if one.name == "a plain one"]
        kept = session.rows("SELECT id, who FROM log_ ORDER BY who FOR UPDATE")
        assert kept == [(one.id, one.row) for one in plain]
    told = replays(wye)
    assert told["tried"] == told["done"] and told["done"] > len(clients) // 2 and not told["differed"]
    for one in clients + [one.client for one in blocked]:
        one.session.close()


def test_what_cannot_be_had_again_is_one_error_that_says_rolled_back(own, wye):
    with contextlib.ExitStack() as stack:
        idle, quiet, large, temporary, defining, variable = [stack.enter_context(wye.session()) for _ in range(6)]
        for session in (idle, quiet, large, defining, variable):
            session.run("BEGIN")
        for session, row in ((idle, 1), (quiet, 2)):
            session.run("UPDATE rows_ SET v = v + 1 WHERE id = %s", [row + 10])
            assert session.value("SELECT v FROM rows_ WHERE id = %s", [row]) == 0
        for _ in range(3):
            large.run("INSERT INTO log_ (who, note) VALUES (3, %s)", ["x" * 30000])
        temporary.run("CREATE TEMPORARY TABLE mine (id INT)")
        temporary.run("BEGIN")
        temporary.run("UPDATE rows_ SET v = v + 1 WHERE id = 13")
        # The servers commit what came before it, and then refuse it.
        defining.run("UPDATE rows_ SET v = v + 1 WHERE id = 14")
        assert defining.error("CREATE TABLE rows_ (id INT)") == 1050
        # Its value is of the transaction before, and on the lost connection alone.
        variable.run("SELECT v + 7 INTO @y FROM rows_ WHERE id = 15")
        variable.run("BEGIN")
        variable.run("UPDATE rows_ SET v = @y WHERE id = 15")
        own.wait_caught_up()
        own.kill("primary")
        promote(own, ["UPDATE app.rows_ SET v = 77 WHERE id IN (1, 2)"])
        wait_until(lambda: replays(wye)["differed"] == 2, "both to be answered otherwise")
        for session in (idle, large, variable):
            with pytest.raises(pymysql.MySQLError) as caught:
                session.run("COMMIT")
            assert caught.value.args[0] == ROLLED_BACK and "try restarting transaction" in caught.value.args[1]
        quiet.run("ROLLBACK")
        for session in (idle, quiet, large):
            session.run("BEGIN")
            assert session.value("SELECT v FROM rows_ WHERE id = 1") == 77
            session.run("COMMIT")
        assert temporary.error("UPDATE rows_ SET v = v + 1 WHERE id = 13")
        with pytest.raises(pymysql.MySQLError) as caught:
            defining.run("UPDATE rows_ SET v = v + 1 WHERE id = 14")
        assert "the transaction committed, is not known" in caught.value.args[1], caught.value
        with wye.session() as session:
            assert [v_of(session, row) for row in (1, 2, 11, 12, 13, 14, 15)] == [77, 77, 0, 0, 0, 1, 0]
            assert session.value("SELECT COUNT(*) FROM log_ FOR UPDATE") == 0


def test_prepared_statements_are_run_again_with_their_parameters(own, wye):
    def number(value):
        return struct.pack("<q", value)

    one = WireClient(wye, tls=True)
    update, _, _ = one.prepare("UPDATE rows_ SET v = v + ? WHERE id = ?")
    insert, _, _ = one.prepare("INSERT INTO log_ (who, note) VALUES (?, ?)")
    one.query("BEGIN")
    one.write(statement(update, 0, [LONGLONG, LONGLONG], [number(3), number(1)]))
    assert one.result()["affected"] == 1
    one.write(statement(update, 0, [LONGLONG, LONGLONG], [number(4), number(1)], bound=False))
    assert one.result()["affected"] == 1
    one.write(statement(insert, 0, [LONGLONG, VAR_STRING], [number(1), lenenc("kept")]))
    assert one.result()["affected"] == 1
    one.write(bytes([CLOSE]) + struct.pack("<I", insert))
    own.wait_caught_up()
    own.kill("primary")
    promote(own)
    one.write(statement(update, 0, [LONGLONG, LONGLONG], [number(5), number(1)], bound=False))
    assert one.result()["affected"] == 1
    one.query("COMMIT")
    with wye.session() as session:
        assert v_of(session, 1) == 12
        assert session.rows("SELECT who, note FROM log_ FOR UPDATE") == [(1, "kept")]
    assert replays(wye) == {"tried": 1, "done": 1, "differed": 0}
    one.close()


def test_a_commit_or_write_whose_answer_is_lost_is_told_to_be_in_doubt_and_a_rollback_is_done(own, wye):
    with contextlib.ExitStack() as stack:
        clients = [Client(wye, "a plain one", row) for row in (1, 2, 3, 4)]
        commit, rollback, write, once = clients
        for client in clients:
            stack.callback(client.session.close)
        for client in (commit, rollback):
            client.session.run("BEGIN")
        for client in clients:
            client.session.run("UPDATE rows_ SET v = v + 1 WHERE id = %s", [client.row])
        once.session.run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        reset = WireClient(wye, tls=True)
        stack.callback(reset.close)
        reset.query("BEGIN")
        reset.query("UPDATE rows_ SET v = v + 1 WHERE id = 5")
        own.wait_caught_up()
        own.stop("primary")
        sent = [Blocked(commit, "COMMIT"), Blocked(rollback, "ROLLBACK"),
                Blocked(write, "UPDATE rows_ SET v = v + 1 WHERE id = 3"),
                Blocked(once, "UPDATE rows_ SET v = v + 1 WHERE id = 4")]
        reset.write(bytes([RESET_CONNECTION]))
        # A write waits for a primary if wye has found by now that this one is none.
        wait_until(lambda: len(wye.console("SELECT id FROM stats_sessions WHERE state IN ('reply', 'want-backend')")) == 5,
                   "all of them to be on their way")
        own.kill("primary")
        promote(own)
        faults = [one.end() for one in sent]
        reset.result()
        assert faults[0] is not None and "is not known" in str(faults[0]), faults
        assert faults[1] is None, faults
        for fault in faults[2:]:
            assert fault is None or "is not known" in str(fault), faults
        for client in (commit, rollback, write):
            assert [v_of(client.session, one.row) for one in clients] == [0, 0] + [1 + (fault is None) for fault in faults[2:]]
        assert v_of(write.session, 5) == 0
        assert replays(wye)["tried"] == (0 if faults[3] else 1)


class Writer:
    """Transactions one after the other, each with a number and a row of its own; the key, too, is of its own: a number that
    the server gives may be another's by the time a late one is run again."""

    def __init__(self, wye, who):
        self.session, self.who = Session(wye.connect()), who
        self.number, self.acknowledged, self.unsure, self.faults = 0, [], [], []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def transaction(self):
        session, note = self.session, str(self.number)
        self.commits = False
        session.run("BEGIN")
        number = self.who * 100000 + self.number
        session.run("INSERT INTO log_ (id, who, note) VALUES (%s, %s, %s)", [number, self.who, note])
        before = session.value("SELECT v FROM rows_ WHERE id = %s FOR UPDATE", [self.who])
        session.run("UPDATE rows_ SET v = v + 1 WHERE id = %s", [self.who])
        seen = session.row("SELECT note, v FROM log_ JOIN rows_ ON rows_.id = who WHERE log_.id = %s", [number])
        assert seen == (note, before + 1), (seen, note, before)
        self.commits = True
        session.run("COMMIT")
        self.acknowledged.append((number, self.who, note))

    def run(self):
        while not self.stop.is_set():
            self.number += 1
            try:
                self.transaction()
            except Exception as error:
                in_doubt = self.commits and "is not known" in str(error)
                (self.unsure if in_doubt else self.faults).append((self.number, error))
                if not in_doubt:
                    return

    def end(self):
        self.stop.set()
        self.thread.join(120)
        assert not self.thread.is_alive(), "a client hangs"
        self.session.close()


def test_under_load_only_commits_in_doubt_are_errors_and_every_row_is_there_once(own, wye):
    Replication(own).begin(2)
    writers = [Writer(wye, who) for who in range(1, 17)]
    wait_until(lambda: all(len(one.acknowledged) > 20 for one in writers), "all clients to work")
    own.kill("primary")
    promote(own)
    before = [len(one.acknowledged) for one in writers]

    def go_on():
        assert [one.faults for one in writers if one.faults] == []
        return all(len(one.acknowledged) > n + 20 for one, n in zip(writers, before))
    wait_until(go_on, "all clients to go on")
    for one in writers:
        one.end()
    assert [one.faults for one in writers if one.faults] == []
    with wye.session() as session:
        kept = session.rows("SELECT id, who, note FROM log_ FOR UPDATE")
        counted = dict(session.rows("SELECT id, v FROM rows_ WHERE id <= 16 FOR UPDATE"))
    acknowledged = [row for one in writers for row in one.acknowledged]
    unsure = {(one.who, str(number)) for one in writers for number, _ in one.unsure}
    assert len(kept) == len(set(row[1:] for row in kept))
    assert set(acknowledged) <= set(kept)
    assert {row[1:] for row in set(kept) - set(acknowledged)} <= unsure
    for one in writers:
        assert counted[one.who] == sum(row[1] == one.who for row in kept)
    assert not replays(wye)["differed"]


def test_what_waits_for_a_primary_is_bounded_in_bytes(own, wye):
    wye.console("SET hold_max_bytes = '10K'")
    with wye.session() as small, wye.session() as large:
        for session in (small, large):
            session.run("UPDATE rows_ SET v = 0 WHERE id = 1")
        own.wait_caught_up()
        own.kill("primary")
        wait_until(lambda: wye.servers()[own.primary.address]["state"] == "down", "wye to see that the primary is gone")
        with pytest.raises(pymysql.MySQLError) as caught:
            large.run("INSERT INTO log_ (who, note) VALUES (1, %s)", ["x" * 20000])
        assert "hold_max_bytes = 10240" in caught.value.args[1], caught.value
        held = Blocked(Client(wye, "a plain one", 0), "UPDATE rows_ SET v = 1 WHERE id = 1")
        wait_until(lambda: int(wye.console("SELECT SUM(held_bytes) AS n FROM stats_workers")[0]["n"]), "it to be held")
        promote(own)
        assert held.end() is None
        wait_until(lambda: not int(wye.console("SELECT SUM(held_bytes) AS n FROM stats_workers")[0]["n"]), "none to be held")
        assert v_of(small, 1) == 1
