"""What happens to the servers while clients run: each a context that ends with the servers as they were."""

import contextlib
import random
import threading

from wye_cluster import ClusterError, SqlError


def nothing(_cluster):
    return contextlib.nullcontext()


def late(*replicas):
    """They apply everything a second late."""
    @contextlib.contextmanager
    def during(cluster):
        for replica in replicas:
            cluster.lag(replica, 1)
        try:
            yield
        finally:
            for replica in replicas:
                cluster.lag(replica, 0)
    return during


@contextlib.contextmanager
def _meanwhile(go):
    """Runs go(stop) in a thread; it ends when the event is set."""
    stop = threading.Event()
    thread = threading.Thread(target=go, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _in_turn(act, undo, acting, resting):
    def go(stop):
        while not stop.is_set():
            with contextlib.suppress(SqlError):
                act()
            stop.wait(acting)
            with contextlib.suppress(SqlError):
                undo()
            stop.wait(resting)
    return _meanwhile(go)


def _both(method):
    return lambda: [method(one) for one in ("replica1", "replica2")]


def flapping(cluster):
    return _in_turn(_both(cluster.stop_sql), _both(cluster.start_sql), 0.2, 0.2)


def stopping(cluster):
    """Replication stops for longer than it takes to notice, and goes on for longer than it takes to return."""
    return _in_turn(_both(cluster.stop_sql), _both(cluster.start_sql), 3, 4)


@contextlib.contextmanager
def stopped(cluster):
    """Replication stops soon after the clients have begun, for good."""
    def go(stop):
        stop.wait(0.5)
        _both(cluster.stop_sql)()
    with _meanwhile(go):
        yield


def freezing(cluster):
    """SIGSTOP: what the replica has not heard while it stood still is missing when it goes on."""
    return _in_turn(lambda: cluster.stop("replica1"), lambda: cluster.cont("replica1"), 2, 2)


def killing(cluster, told):
    """SIGKILL of any server, which is started again a moment later."""
    def go(stop):
        chance = random.Random(4)
        while not stop.wait(2):
            server = chance.choice(cluster.servers)
            told.append(server.name)
            cluster.kill(server)
            stop.wait(0.5)
            cluster.start(server)
            cluster.witness.restore()
    return _meanwhile(go)


def _apply_all(cluster, server):
    """A replica whose source is dead applies what it has of it; the last number of its position then."""
    if cluster.flavor == "mysql":
        wait = ("SELECT WAIT_FOR_EXECUTED_GTID_SET((SELECT received_transaction_set"
                " FROM performance_schema.replication_connection_status), 30) = 0 AS reached")
        position = "SELECT @@global.gtid_executed AS p"
    else:
        wait = cluster.kind.wait_sql(cluster.sql(server, cluster.kind.show_replica)[0]["Gtid_IO_Pos"], 30)
        position = "SELECT @@gtid_slave_pos AS p"
    if cluster.sql(server, wait, timeout=40)[0]["reached"] != "1":
        raise ClusterError("%s does not apply what it has" % server.name)
    return int(cluster.sql(server, position)[0]["p"].replace(":", "-").rpartition("-")[2])


def fail_over(cluster):
    """The primary dies, and somebody else makes the replica that has most the new one, and has the other follow it."""
    cluster.kill("primary")
    best, other = sorted(cluster.replicas, key=lambda one: _apply_all(cluster, one), reverse=True)
    writable = ["SET GLOBAL super_read_only = 0"] if cluster.flavor == "mysql" else []
    cluster.sql(other, "STOP REPLICA; " + cluster.kind.replicate_sql(best))
    for statement in ["STOP REPLICA", "RESET REPLICA ALL", *writable, "SET GLOBAL read_only = 0"]:
        cluster.sql(best, statement)


def heal(cluster):
    """Everybody runs, follows and has caught up."""
    for server in cluster.servers:
        if server.state == "stopped":
            cluster.cont(server)
        if server.state == "dead":
            cluster.start(server)
    for row in cluster.status():
        if row["sql"] == "No":
            cluster.start_sql(row["name"])
    cluster.wait_caught_up(timeout=120)
