"""Admission holds short reads back for a moment; long ones run side by side, however many there are."""

import contextlib
import threading

import pymysql
import pytest

from endpoint import wait_until

MANY = 48  # More than are let in at once at the start, on both replicas together.
LONG = "SELECT SLEEP(50)"


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "admission=on", "--threads", "1"]


def running(cluster):
    """How many of the long reads the servers run now."""
    found = 0
    for server in cluster.servers:
        with cluster.witness.root(server) as root:
            found += root.value("SELECT COUNT(*) FROM information_schema.processlist WHERE info = %s", [LONG])
    return found


def sleep(session):
    with contextlib.suppress(pymysql.MySQLError):
        session.run(LONG)


def test_long_reads_run_side_by_side_and_keep_no_short_one_waiting(cluster, wye):
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(wye.session()) for _ in range(MANY)]
        threads = [threading.Thread(target=sleep, args=(session,), daemon=True) for session in sessions]
        for thread in threads:
            thread.start()
        wait_until(lambda: running(cluster) == MANY, "all long reads to run")
        with wye.session() as another:
            for _ in range(100):
                assert another.value("SELECT 1") == 1
            assert running(cluster) == MANY
            for session in sessions:
                another.run("KILL %d" % session.connection.thread_id())
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads)


def test_a_crowd_of_short_reads_is_answered(wye):
    """Many more than are let in at once, each its own answer."""
    wrong = []

    def work(number):
        with wye.session() as session:
            for turn in range(100):
                if session.value("SELECT %d + %d" % (number, turn)) != number + turn:
                    wrong.append((number, turn))
    threads = [threading.Thread(target=work, args=(1000 * i,), daemon=True) for i in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
