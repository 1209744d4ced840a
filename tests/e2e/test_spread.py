"""Which of the servers that could serve a read does: zones, replicas that come back, and a primary that is spared."""

import collections
import contextlib
import threading
import time

import pytest

from conftest import start_wye
from endpoint import wait_until

READ = "SELECT name FROM whoami"


@contextlib.contextmanager
def started(cluster, directory, *arguments):
    wye = start_wye(cluster, directory, *arguments)
    try:
        yield wye
        wye.finish()
    finally:
        wye.kill()


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.spread (id INT PRIMARY KEY, v INT NOT NULL)")
        root.run("REPLACE INTO app.spread VALUES (1, 0)")
    cluster.wait_caught_up()


def places(wye, sessions=4, reads=20):
    """Where reads of several sessions run, by the server's name."""
    seen = collections.Counter()
    for _ in range(sessions):
        with wye.session() as session:
            seen.update(session.value(READ) for _ in range(reads))
    return seen


# --- zones ---

def test_reads_stay_in_the_zone_while_a_replica_there_can_serve(hurt, wye_binary, tmp_path):
    replica1, replica2 = hurt.replicas
    with started(hurt, tmp_path / "wye", "--server", replica1.address + ",zone=east", "--server",
                 replica2.address + ",zone=west", "--set", "zone=east", "--set", "monitor_interval=100ms") as wye:
        assert set(places(wye)) == {"replica1"}
        hurt.stop_sql(replica1)
        wait_until(lambda: not wye.takes_reads(replica1), "the stopped replica to leave the pool")
        assert set(places(wye)) == {"replica2"}
        hurt.start_sql(replica1)
        wait_until(lambda: wye.takes_reads(replica1), "it to return")
        assert set(places(wye)) == {"replica1"}


# --- coming back ---

def test_a_replica_that_comes_back_gets_little_at_first(hurt, wye_binary, tmp_path):
    replica = hurt.replicas[0]
    with started(hurt, tmp_path / "wye", "--set", "slow_start=1h", "--set", "monitor_interval=100ms", "--set",
                 "consistency=eventual") as wye:
        even = places(wye)
        assert even["replica1"] > 20 and even["replica2"] > 20
        hurt.stop_sql(replica)
        wait_until(lambda: not wye.takes_reads(replica), "the stopped replica to leave the pool")
        hurt.start_sql(replica)
        wait_until(lambda: wye.takes_reads(replica), "it to return")
        slow = places(wye, sessions=8)
        assert slow["primary"] == 0
        # A tenth of the other's weight is the least there is.
        assert slow["replica1"] < slow["replica2"] / 4


# --- the primary ---

def test_the_primary_is_lent_for_so_many_reads_at_once_and_the_rest_wait(hurt, wye_binary, tmp_path):
    most, errors = 2, []
    # One that has been answered may still stand in the list for a moment, but does not sleep any more.
    running = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'app' AND state = 'User sleep'"

    def read(wye):
        try:
            with wye.session() as session:
                session.run("UPDATE spread SET v = v + 1 WHERE id = 1")
                for _ in range(3):
                    assert session.row("SELECT SLEEP(0.1), name, v FROM whoami, spread")[1] == "primary"
        except Exception as error:
            errors.append(error)

    with started(hurt, tmp_path / "wye", "--threads", "1", "--set", "primary_reads_max=%d" % most) as wye, \
            hurt.witness.root(hurt.primary) as root:
        for name in ("replica1", "replica2"):
            hurt.stop_sql(name)
        threads = [threading.Thread(target=read, args=(wye,)) for _ in range(6)]
        seen = 0
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen = max(seen, root.value(running))
            time.sleep(0.01)
        for thread in threads:
            thread.join()
    assert not errors
    assert 0 < seen <= most
