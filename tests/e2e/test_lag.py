"""Replicas that fall behind and come back: no client gets an error, and the pool does not flutter."""

import collections
import threading

import pytest

from conftest import start_wye
from endpoint import wait_until

READ = "SELECT name FROM whoami"


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "max_lag=1s", "--set", "monitor_interval=100ms", "--set", "slow_start=0"]


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.lagged (id INT PRIMARY KEY, v INT NOT NULL)")
        root.run("REPLACE INTO app.lagged VALUES (1, 0)")
    cluster.wait_caught_up()


class Clients:
    """One that writes all the time, so that there is something to be late with, and some that read."""

    def __init__(self, wye):
        self.errors, self.names = [], collections.Counter()
        self.stop = threading.Event()
        works = [self._write] + [self._read] * 3
        self.threads = [threading.Thread(target=self._run, args=(wye, work), daemon=True) for work in works]

    def _run(self, wye, work):
        try:
            with wye.session() as session:
                while not self.stop.is_set():
                    work(session)
        except Exception as error:
            self.errors.append(error)

    def _write(self, session):
        session.run("UPDATE lagged SET v = v + 1 WHERE id = 1")
        self.stop.wait(0.01)

    def _read(self, session):
        self.names[session.value(READ)] += 1
        self.stop.wait(0.002)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)


def changes(wye, server):
    kinds = [row["kind"] for row in wye.console("SELECT kind FROM stats_events WHERE server = '%s'" % server.address)]
    return kinds.count("replica-out"), kinds.count("replica-in")


def test_a_saw_tooth_of_lag_costs_no_error_and_one_change_each_way_a_tooth(hurt, wye):
    replica = hurt.server("replica1")
    out, back = changes(wye, replica)
    with Clients(wye) as clients:
        for tooth in range(1, 3):
            hurt.lag(replica, 3)
            wait_until(lambda: not wye.takes_reads(replica), "the late replica to leave the pool")
            hurt.lag(replica, 0)
            wait_until(lambda: wye.takes_reads(replica), "the replica to return")
            assert changes(wye, replica) == (out + tooth, back + tooth)
    assert not clients.errors


def test_all_replicas_lagging_is_no_error(hurt, wye):
    with Clients(wye) as clients:
        for name in ("replica1", "replica2"):
            hurt.lag(name, 4)
        wait_until(lambda: not any(wye.takes_reads(one) for one in hurt.replicas), "both to leave the pool")
        before = clients.names["primary"]
        wait_until(lambda: clients.names["primary"] > before + 20, "the primary to take the reads")
        for name in ("replica1", "replica2"):
            hurt.lag(name, 0)
        wait_until(lambda: all(wye.takes_reads(one) for one in hurt.replicas), "both to return")
    assert not clients.errors


def test_the_last_replica_stays_where_the_primary_may_not_be_read(cluster, wye_binary, tmp_path):
    wye = start_wye(cluster, tmp_path / "wye", "--set", "max_lag=500ms", "--set", "monitor_interval=100ms", "--set",
                    "reads_on_primary=never")
    try:
        with Clients(wye) as clients:
            for name in ("replica1", "replica2"):
                cluster.lag(name, 2)
            wait_until(lambda: {row["state"] for row in wye.servers().values() if row["role"] == "replica"}
                       == {"lagging"}, "both to be behind")
            wait_until(lambda: sum(wye.takes_reads(one) for one in cluster.replicas) == 1, "one of them to serve")
            before = sum(clients.names.values())
            wait_until(lambda: sum(clients.names.values()) > before + 20, "it to serve")
            for name in ("replica1", "replica2"):
                cluster.lag(name, 0)
            wait_until(lambda: all(wye.takes_reads(one) for one in cluster.replicas), "both to return")
        assert not clients.errors
        assert clients.names["primary"] == 0
        wye.finish()
    finally:
        wye.kill()
        for name in ("replica1", "replica2"):
            cluster.lag(name, 0)


@pytest.mark.parametrize("policy", ["weighted", "least_connections", "least_latency"])
def test_reads_are_spread_by_every_policy(cluster, wye_binary, tmp_path, policy):
    wye = start_wye(cluster, tmp_path / "wye", "--set", "balance=" + policy)
    try:
        with Clients(wye) as clients:
            wait_until(lambda: clients.names["replica1"] > 10 and clients.names["replica2"] > 10, "both to serve")
        assert not clients.errors
        wye.finish()
    finally:
        wye.kill()


def test_one_client_address_reads_from_one_replica_by_its_hash(cluster, wye_binary, tmp_path):
    wye = start_wye(cluster, tmp_path / "wye", "--set", "balance=source_hash")
    try:
        names = set()
        for _ in range(6):
            with wye.session() as session:
                names |= {session.value(READ) for _ in range(10)}
        assert len(names) == 1
        wye.finish()
    finally:
        wye.kill()


def test_a_heartbeat_table_tells_of_lag_that_positions_do_not_show(cluster, wye_binary, tmp_path):
    replica = cluster.replicas[0]
    mysql = cluster.flavor == "mysql"

    def filtered(names):
        with cluster.witness.root(replica) as root:
            root.run("STOP REPLICA SQL_THREAD" if mysql else "STOP SLAVE")
            root.run("CHANGE REPLICATION FILTER REPLICATE_WILD_IGNORE_TABLE = (%s)" % (names and "'%s'" % names) if mysql
                     else "SET GLOBAL replicate_wild_ignore_table = '%s'" % names)
            root.run("START REPLICA SQL_THREAD" if mysql else "START SLAVE")
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE app.heartbeat (id CHAR(36) PRIMARY KEY, beat BIGINT NOT NULL)")
        root.run("GRANT SELECT, INSERT, UPDATE ON app.heartbeat TO monitor@'%'")
    cluster.wait_caught_up()
    wye = start_wye(cluster, tmp_path / "wye", "--set", "heartbeat_table=app.heartbeat", "--set",
                    "monitor_interval=100ms", "--set", "max_lag=1s", "--set", "slow_start=0")
    try:
        with cluster.witness.root(replica) as there:
            wait_until(lambda: there.value("SELECT COUNT(*) FROM app.heartbeat") == 1, "a beat to arrive")
        assert wye.takes_reads(replica)
        filtered("app.heart%")
        wait_until(lambda: wye.servers()[replica.address]["state"] == "lagging", "the beats to be missed")
        assert wye.servers()[replica.address]["position"]
        filtered("")
        wait_until(lambda: wye.takes_reads(replica), "the replica to return")
        wye.finish()
    finally:
        wye.kill()
        filtered("")
        with cluster.witness.root(cluster.primary) as root:
            root.run("DROP TABLE app.heartbeat")
