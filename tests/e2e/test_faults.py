"""Servers that stop, hang and die under load, and clients that misbehave: who notices, and what they are told."""

import contextlib
import os
import random
import re
import socket

import pymysql
import pytest

from endpoint import PATIENCE, wait_until
from load import Load, prepare, read, transaction, write, write_and_read
from raw_client import RawClient

# Seconds for which the load of a replica's stopped SQL thread goes on at least; WYE_LONG makes it a long one.
STOPPED = int(os.environ.get("WYE_LONG", "0")) / 2

# Longer than any time-out below; reached only by what hangs.
LOGIN_TIMEOUT = 3


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "queue_timeout=2s", "--set", "login_timeout=%ds" % LOGIN_TIMEOUT, "--set", "monitor_interval=200ms"]


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    prepare(cluster)


def gone(wye, server):
    wait_until(lambda: not wye.takes_reads(server), "%s to leave the pool" % server.name)


def back(wye, server):
    wait_until(lambda: wye.takes_reads(server), "%s to come back into the pool" % server.name)


def served_reads(witness, server):
    return witness.selects("app")[server.name]


# --- replicas ---

def test_a_replica_whose_sql_thread_stops_leaves_the_pool_and_returns_and_no_client_notices(hurt, wye, witness):
    replica = hurt.replicas[0]
    with Load(wye, read, read, read, read, write, transaction, write_and_read, write_and_read) as load:
        load.wait_more(50)
        hurt.stop_sql(replica)
        gone(wye, replica)
        assert wye.servers()[replica.address]["state"] == "stopped"
        load.wait_more(10)
        before = served_reads(witness, replica)
        load.wait_more(100)
        load.go_on(STOPPED)
        assert served_reads(witness, replica) == before
        hurt.start_sql(replica)
        back(wye, replica)
        wait_until(lambda: served_reads(witness, replica) > before, "reads to run on %s again" % replica.name)
        load.wait_more(100)
    assert load.faults == []
    kinds = [row["kind"] for row in wye.console("SELECT * FROM stats_events") if row["server"] == replica.address]
    assert "replica-out" in kinds and kinds[-1] == "replica-in"


def test_a_replica_that_lags_too_far_leaves_the_pool_and_returns(hurt, wye):
    replica = hurt.replicas[1]
    wye.console("SET max_lag = 1s")
    hurt.lag(replica, 3)
    try:
        with Load(wye, write, read, write_and_read) as load:
            gone(wye, replica)
            wait_until(lambda: wye.servers()[replica.address]["state"] == "lagging", "the replica to be called lagging")
            hurt.lag(replica, 0)
            back(wye, replica)
            load.wait_more(20)
        assert load.faults == []
    finally:
        hurt.lag(replica, 0)
        wye.console("SET max_lag = 10s")


def test_a_replica_that_is_killed_costs_no_autocommit_read_an_error(hurt, wye):
    for replica in hurt.replicas:
        with Load(wye, *[read] * 8, write, write_and_read) as load:
            load.wait_more(50)
            hurt.kill(replica)
            load.wait_more(50)
            gone(wye, replica)
            hurt.start(replica)
            back(wye, replica)
            load.wait_more(50)
        assert load.faults == []


def test_an_idle_session_outlives_the_replica_it_last_used(hurt, wye):
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(wye.session()) for _ in range(6)]
        for session in sessions:
            session.run("SET time_zone = '+04:00'")
            for _ in range(4):
                session.value("SELECT v FROM load_rows WHERE id = 1")
        for replica in hurt.replicas:
            hurt.kill(replica)
        for session in sessions:
            for _ in range(4):
                assert session.value("SELECT FROM_UNIXTIME(0) = '1970-01-01 04:00:00' FROM load_rows WHERE id = 1") == 1
        hurt.start(*hurt.replicas)


def test_a_read_only_transaction_whose_replica_dies_gets_one_error_and_goes_on(hurt, wye):
    with wye.session() as session:
        session.run("START TRANSACTION READ ONLY")
        name = session.value("SELECT name FROM whoami")
        hurt.kill(name)
        with contextlib.suppress(pymysql.MySQLError):
            # Another replica may have taken over with the same rows; an error is as good, but it must be one packet.
            session.value("SELECT name FROM whoami")
        wait_until(lambda: alive(session), "the session to be usable again")
        assert session.value("SELECT COUNT(*) FROM load_rows") == 100
        hurt.start(name)


def alive(session):
    try:
        session.run("ROLLBACK")
        return session.value("SELECT 1") == 1
    except pymysql.MySQLError as error:
        assert session.connection.open, "the session's connection broke: %s" % error
        return False


def test_a_replica_that_hangs_leaves_the_pool_and_its_reads_are_answered_by_others(hurt, wye):
    replica = hurt.replicas[1]
    with Load(wye, *[read] * 6, write, write_and_read) as load:
        load.wait_more(50)
        hurt.stop(replica)
        gone(wye, replica)
        load.wait_more(50)
        hurt.cont(replica)
        back(wye, replica)
        load.wait_more(50)
    assert load.faults == []


def test_with_no_replica_left_the_primary_answers_the_reads(hurt, wye, witness):
    with Load(wye, *[read] * 4, write, write_and_read) as load:
        load.wait_more(20)
        for replica in hurt.replicas:
            hurt.kill(replica)
        for replica in hurt.replicas:
            gone(wye, replica)
        load.wait_more(50)
        with wye.session() as session:
            assert session.value("SELECT name FROM whoami") == "primary"
        hurt.start(*hurt.replicas)
        for replica in hurt.replicas:
            back(wye, replica)
        load.wait_more(50)
    assert load.faults == []


# --- the primary ---

def primary_is_up(wye, cluster):
    row = wye.servers()[cluster.primary.address]
    return row["state"] == "up" and row["role"] == "primary"


@contextlib.contextmanager
def nobody_waits_for_a_primary(wye):
    wye.console("SET failover_timeout = 0")
    try:
        yield
    finally:
        wye.console("SET failover_timeout = '10s'")


def test_a_write_waits_for_a_primary_that_comes_back(hurt, wye):
    """What had reached the dead one gets an error, for nobody knows whether it was done; all others run later."""
    with Load(wye, read, read, *[write] * 4) as load:
        load.wait_more(30)
        hurt.kill("primary")
        wait_until(lambda: not primary_is_up(wye, hurt), "wye to see that the primary is gone")
        load.wait_more(30, read)
        hurt.start("primary")
        load.wait_more(30)
    assert load.faults_of(read) == []
    assert [fault for fault in load.faults_of(write) if "is not known" not in fault.text] == []


def test_while_the_primary_is_dead_writes_get_a_clear_error_and_reads_go_on(hurt, wye):
    with nobody_waits_for_a_primary(wye), Load(wye, *[read] * 4, write, write, transaction) as load:
        load.wait_more(30)
        hurt.kill("primary")
        load.wait_more(100, read)
        wait_until(lambda: not primary_is_up(wye, hurt), "wye to see that the primary is gone")
        with wye.session() as fresh:
            assert fresh.value("SELECT COUNT(*) FROM load_rows") == 100
            with pytest.raises(pymysql.MySQLError) as caught:
                write(fresh)
            assert fresh.connection.open, caught.value
            assert "primary" in caught.value.args[1], caught.value
            # The session is as good as before.
            assert fresh.value("SELECT COUNT(*) FROM load_rows") == 100
        assert wye.get("/readyz")[0] == 503 and wye.get("/healthz")[0] == 200
        hurt.start("primary")
        load.wait_more(30)
    assert load.faults_of(read) == []
    told = load.faults_of(write, transaction)
    assert told, "no write was told"
    assert not [fault for fault in told if fault.broken], "connections broke where an error was due: %s" % told[:5]
    wait_until(lambda: wye.get("/readyz")[0] == 200, "wye to be ready again")


def test_a_commit_whose_answer_was_lost_with_the_primary_is_never_run_twice(hurt, wye):
    # Every insert is told to be done, or may or may not be there; none is there twice.
    acknowledged, unsure = [], []
    with nobody_waits_for_a_primary(wye), wye.session() as session:
        session.run("CREATE TABLE IF NOT EXISTS once (number INT NOT NULL)")
        session.run("DELETE FROM once")
        for number in range(400):
            if number == 200:
                hurt.kill("primary")
            try:
                session.run("INSERT INTO once VALUES (%s)", [number])
                acknowledged.append(number)
            except pymysql.MySQLError:
                unsure.append(number)
                if len(unsure) == 2:
                    hurt.start("primary")
                    wait_until(lambda: primary_is_up(wye, hurt), "wye to have the primary again")
        numbers = [row[0] for row in session.rows("SELECT number FROM once FOR UPDATE")]
    assert len(numbers) == len(set(numbers))
    assert set(acknowledged) <= set(numbers)
    assert acknowledged[-1] == 399


def test_a_primary_that_hangs_does_not_hold_up_reads(hurt, wye):
    with Load(wye, *[read] * 4, write) as load:
        load.wait_more(30)
        hurt.stop("primary")
        load.wait_more(200, read)
        hurt.cont("primary")
        load.wait_more(30)
    assert load.faults_of(read) == []
    assert not [fault for fault in load.faults if fault.broken], load.faults[:5]


def test_sessions_begin_and_change_their_state_on_a_replica_while_the_primary_is_dead(hurt, wye):
    """The first of them before anybody has missed it."""
    hurt.kill("primary")
    for length in range(100, 120):
        with wye.session() as session:
            session.run("SET SESSION max_sort_length = %s", [length])
            assert session.value("SELECT @@session.max_sort_length FROM load_rows LIMIT 1") == length


def last_number(position):
    return re.findall(r"\d+", position or "0")[-1]


def has_been_heard_of(cluster):
    written = last_number(cluster.sql(cluster.primary, cluster.kind.position)[0]["position"])
    told = [cluster.sql(replica, cluster.kind.show_replica)[0] for replica in cluster.replicas]
    return all(last_number(row.get("Gtid_IO_Pos") or row["Retrieved_Gtid_Set"]) == written for row in told)


@pytest.mark.parametrize("policy", ["fallback", "always"])
def test_a_read_that_was_to_run_on_a_dead_primary_runs_on_a_replica(hurt, wye, policy):
    """The primary would take it, since no replica has applied what was written, or as one of many."""
    wye.console("SET reads_on_primary = '%s', causal_timeout = 0" % policy)
    try:
        with wye.session() as session:
            for replica in hurt.replicas:
                hurt.stop_sql(replica)
            session.run("UPDATE load_rows SET v = v + 1 WHERE id = 1")
            # What the replicas have not heard of yet would be missing while the primary is dead.
            wait_until(lambda: has_been_heard_of(hurt), "the replicas to hear of the write")
            hurt.kill("primary")
            for replica in hurt.replicas:
                hurt.start_sql(replica)
            for _ in range(20):
                session.value("SELECT v FROM load_rows WHERE id = 1")
    finally:
        wye.console("SET reads_on_primary = 'fallback', causal_timeout = '100ms'")


# --- clients ---

def test_a_client_that_leaves_in_the_middle_of_a_result_leaves_nothing_behind(wye, cluster, witness):
    for _ in range(10):
        client = RawClient(wye, receive_buffer=65536)
        client.query("SELECT REPEAT('x', 1048576) FROM load_rows")
        client.read_exactly(random.randrange(1, 300000))
        client.close()
    wait_until(lambda: not running(cluster, witness, "REPEAT"), "the servers to have ended the statements")
    with wye.session() as session:
        assert [session.value("SELECT v IS NULL FROM load_rows WHERE id = 1") for _ in range(20)] == [0] * 20


def test_the_statement_of_a_client_that_leaves_is_ended_on_the_server(wye, cluster, witness):
    clients = [RawClient(wye) for _ in range(3)]
    for client, statement in zip(clients, ("SELECT SLEEP(1000)", "SELECT SLEEP(1001) FROM load_rows FOR UPDATE",
                                           "UPDATE load_rows SET v = SLEEP(1002)")):
        client.query(statement)
    wait_until(lambda: len(running(cluster, witness, "SLEEP(10")) == 3, "the statements to run")
    for client in clients:
        client.close()
    wait_until(lambda: not running(cluster, witness, "SLEEP(10"), "the servers to have ended the statements")


def running(cluster, witness, part):
    """The statements of the application's account on any server that contain a text."""
    found = []
    for server in cluster.servers:
        with witness.root(server) as root:
            found += [row[0] for row in root.rows("SELECT info FROM information_schema.processlist"
                                                  " WHERE user = 'app' AND info LIKE %s", ["%" + part + "%"])]
    return found


def clients_now(wye):
    return sum(int(row["clients"]) for row in wye.console("SELECT clients FROM stats_workers"))


GARBAGE = {
    "nothing at all": b"",
    "one byte": b"\x01",
    "half a header": b"\x20\x00",
    "an empty packet": b"\x00\x00\x00\x01",
    "empty packets": b"\x00\x00\x00\x01" * 1000,
    "a wrong sequence": b"\x20\x00\x00\x07" + b"\x00" * 32,
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a TLS greeting without asking": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500,
    "a wish for TLS, then none": b"\x20\x00\x00\x01\x85\xae\xff\x19\x00\x00\x00\x01\xff" + b"\x00" * 23 + b"plain text" * 50,
    "the longest packet, begun": b"\xff\xff\xff\x01" + b"A" * 100000,
    "a login that ends too soon": b"\x24\x00\x00\x01\x85\xa2\xff\x01\x00\x00\x00\x01\xff" + b"\x00" * 23 + b"app\x00",
    "a login with lengths that lie": b"\x2c\x00\x00\x01\x85\xa2\xff\x01\x00\x00\x00\x01\xff" + b"\x00" * 23 + b"app\x00\xfe" + b"\xff" * 7,
    "bytes of every kind": bytes(random.Random(1).randrange(256) for _ in range(5000)),
}


@pytest.mark.parametrize("kind", GARBAGE, ids=[kind.replace(" ", "-") for kind in GARBAGE])
def test_a_client_that_sends_garbage_is_let_go(wye, kind):
    with socket.create_connection((wye.host, wye.port), timeout=PATIENCE) as client:
        client.recv(4096)
        with contextlib.suppress(OSError):
            client.sendall(GARBAGE[kind])
        with contextlib.suppress(ConnectionResetError):
            while client.recv(4096):  # Until wye closes: by the time-out of the login at the latest.
                pass
    with wye.session() as session:
        assert session.value("SELECT COUNT(*) FROM load_rows") == 100


def test_random_bytes_in_place_of_a_login_or_of_commands_hurt_nobody(wye):
    dice = random.Random(os.environ.get("WYE_SEED", "wye"))
    for _ in range(150):
        with contextlib.suppress(OSError), socket.create_connection((wye.host, wye.port), timeout=PATIENCE) as client:
            client.recv(4096)
            body = dice.randbytes(dice.randrange(1, 200))
            client.sendall(len(body).to_bytes(3, "little") + b"\x01" + body)
    for _ in range(150):
        client = RawClient(wye)
        with contextlib.suppress(OSError):
            for _ in range(3):
                # Not the commands that are sent to change something: whatever they do, they may.
                client.send(0, bytes([dice.choice([2, 4, 22, 23, 24, 25, 26, 27, 28, 31, 200, 250, 254, 255])])
                            + dice.randbytes(dice.randrange(0, 40)))
        client.close()
    wye.check_alive()
    wait_until(lambda: clients_now(wye) == 0, "wye to have let all those clients go")
    with wye.session() as session:
        assert session.value("SELECT COUNT(*) FROM load_rows") == 100


def test_an_unknown_command_is_answered_with_an_error_and_nothing_else(wye):
    client = RawClient(wye)
    client.send(0, b"\xc8whatever")
    answer = client.read_packet()
    assert answer[0] == 0xFF and int.from_bytes(answer[1:3], "little") == 1047
    client.query("DO 1")
    assert client.read_packet()[0] == 0
    client.close()


def test_clients_that_never_log_in_are_let_go_and_take_nobodys_place(wye):
    silent = [socket.create_connection((wye.host, wye.port), timeout=PATIENCE) for _ in range(50)]
    try:
        with wye.session() as session:
            assert session.value("SELECT COUNT(*) FROM load_rows") == 100
        for client in silent:
            with contextlib.suppress(ConnectionResetError):
                while client.recv(4096):
                    pass
    finally:
        for client in silent:
            client.close()
    wait_until(lambda: clients_now(wye) == 0, "wye to have let the silent clients go")
