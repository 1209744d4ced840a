"""position_stream: a replica's binary log tells at once that it is time for a look at what it has applied."""

import contextlib
import pathlib

import pytest

from conftest import start_wye
from endpoint import wait_until

WRITE = "REPLACE INTO app.streamed VALUES (1, %s)"


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.streamed (id INT PRIMARY KEY, v INT NOT NULL)")
    cluster.wait_caught_up()


def can_follow(cluster, wye):
    """MariaDB's client library follows MariaDB only."""
    return cluster.flavor == "mariadb" or "libmariadb" not in pathlib.Path("/proc/%d/maps" % wye.pid).read_text()


@pytest.fixture
def granted(cluster):
    """MySQL's monitor account must have it anyway, to find the replicas."""
    if cluster.flavor == "mysql":
        yield
        return
    right = "REPLICATION SLAVE, BINLOG MONITOR ON *.*"
    with cluster.witness.root(cluster.primary) as root:
        root.run("GRANT %s TO monitor" % right)
        cluster.wait_caught_up()
        yield
        root.run("REVOKE %s FROM monitor" % right)
    cluster.wait_caught_up()


@contextlib.contextmanager
def following(cluster, directory, *settings):
    arguments = [word for setting in ("position_stream=on", *settings) for word in ("--set", setting)]
    wye = start_wye(cluster, directory / "wye", *arguments)
    try:
        yield wye
        wye.finish()
    finally:
        wye.kill()


def wait_for_streams(wye, count):
    wait_until(lambda: wye.log().count("following the binary log") == count, "the logs to be followed")


def position(wye, server):
    return wye.servers()[server.address]["position"]


def test_what_a_replica_applies_is_known_though_nobody_looks(cluster, granted, tmp_path):
    # Looks by the clock come later than a test's patience.
    with following(cluster, tmp_path, "position_interval=1m", "monitor_interval=1m") as wye:
        if not can_follow(cluster, wye):
            wait_until(lambda: wye.log().count("cannot follow a MySQL server") == 2, "wye to say that it cannot follow")
            return
        wait_for_streams(wye, 2)
        with cluster.witness.root(cluster.primary) as root:
            for value in range(3):
                before = {server.name: position(wye, server) for server in cluster.replicas}
                root.run(WRITE, [value])
                for server in cluster.replicas:
                    wait_until(lambda: position(wye, server) != before[server.name],
                               "the write to be known of %s" % server.name)


def test_a_stream_that_breaks_is_taken_up_again(cluster, granted, tmp_path):
    with following(cluster, tmp_path) as wye:
        if not can_follow(cluster, wye):
            return
        wait_for_streams(wye, 2)
        with cluster.witness.root(cluster.replicas[0]) as root:
            dumps = [row[0] for row in root.rows("SHOW PROCESSLIST") if row[4] == "Binlog Dump"]
            assert len(dumps) == 1
            root.run("KILL %d" % dumps[0])
        wait_for_streams(wye, 3)
        wye.console("SET position_stream = off")
        with cluster.witness.root(cluster.replicas[0]) as root:
            wait_until(lambda: not [row for row in root.rows("SHOW PROCESSLIST") if row[4] == "Binlog Dump"],
                       "the stream to end")


def test_without_the_privilege_wye_says_which_one(cluster, tmp_path):
    if cluster.flavor == "mysql":
        return
    with following(cluster, tmp_path) as wye:
        wait_until(lambda: "the monitor account needs GRANT REPLICATION SLAVE" in wye.log(), "the privilege to be named")
        with wye.session() as session:
            assert session.value("SELECT 1") == 1
