"""What is done to a cluster and to wye's connections in a chaos run: each harms, waits, and mends what it has done."""

import contextlib
import os
import random
import resource
import subprocess
import time

from endpoint import wait_until

HARMED = 3  # seconds


def harmed():
    time.sleep(HARMED * random.uniform(0.3, 1.5))


def replica_dies(cluster, _):
    one = random.choice(cluster.replicas)
    cluster.kill(one)
    harmed()
    cluster.start(one)


def all_replicas_die(cluster, _):
    for one in cluster.replicas:
        cluster.kill(one)
    harmed()
    cluster.start(*cluster.replicas)


def primary_dies(cluster, _):
    cluster.kill("primary")
    harmed()
    cluster.start("primary")


def hangs(cluster, server):
    cluster.stop(server)
    harmed()
    cluster.cont(server)


def replica_hangs(cluster, _):
    hangs(cluster, random.choice(cluster.replicas))


def primary_hangs(cluster, _):
    hangs(cluster, cluster.primary)


def replica_stands_still(cluster, _):
    one = random.choice(cluster.replicas)
    cluster.stop_sql(one)
    harmed()
    cluster.start_sql(one)


def replicas_come_and_go_fast(cluster, _):
    for _ in range(3):
        one = random.choice(cluster.replicas)
        cluster.stop_sql(one)
        time.sleep(random.uniform(0, 0.5))
        cluster.start_sql(one)


def kill_connections(cluster, users, times):
    for _ in range(times):
        server = random.choice(cluster.servers)
        with cluster.witness.root(server) as root:
            for (number,) in root.rows("SELECT id FROM information_schema.processlist WHERE user IN (%s)" % users):
                with contextlib.suppress(Exception):  # it has gone itself
                    root.run("KILL %d" % number)
        time.sleep(0.2)


def connections_are_killed(cluster, _):
    kill_connections(cluster, "'app', 'admin'", 8)


def monitors_are_killed(cluster, _):
    kill_connections(cluster, "'monitor'", 8)


def sockets_are_torn(cluster, _):
    """RST in the middle of whatever was on its way, both ways."""
    for _ in range(8):
        server = random.choice(cluster.servers)
        done = subprocess.run(["ss", "-K", "-t", "dst", "127.0.0.1", "dport", "=", str(server.port)], capture_output=True,
                              timeout=30, check=False)
        if done.returncode:
            raise RuntimeError("ss -K: %s" % done.stderr)
        time.sleep(0.2)


def out_of_files(_, wye):
    now = len(os.listdir("/proc/%d/fd" % wye.pid))
    soft, hard = resource.prlimit(wye.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(wye.pid, resource.RLIMIT_NOFILE, (max(8, now - 5), hard))
    try:
        harmed()
    finally:
        resource.prlimit(wye.pid, resource.RLIMIT_NOFILE, (soft, hard))


def settings_change(_, wye):
    for name, value in (("reads_on_primary", "always"), ("pipeline_depth", "1"), ("causal_timeout", "0"), ("max_lag", "1s")):
        wye.console("SET %s = '%s'" % (name, value))
        time.sleep(0.3)
        wye.console("SET %s = DEFAULT" % name)


def tls_is_renewed(_, wye):
    for _ in range(5):
        wye.console("RELOAD TLS")
        time.sleep(0.1)


ALL = (replica_dies, all_replicas_die, primary_dies, replica_hangs, primary_hangs, replica_stands_still,
       replicas_come_and_go_fast, connections_are_killed, monitors_are_killed, sockets_are_torn, out_of_files, settings_change,
       tls_is_renewed)


def follow(cluster):
    """Whether all replicas do; those whose thread has stopped are started. A MariaDB that dies in the middle of a DDL statement may
    have it in its binary log, and not in the position that it goes on from: no fault of wye's."""
    stopped = [row for row in cluster.status() if row["role"] != "primary" and row["sql"] != "Yes"]
    for row in stopped:
        if "out-of-order sequence number" in (row["error"] or ""):
            cluster.sql(row["name"], "STOP SLAVE; SET GLOBAL gtid_slave_pos = @@global.gtid_binlog_pos; START SLAVE")
        else:
            cluster.start_sql(row["name"])
    return not stopped


def heal(cluster, wye):
    """Until everything is as it was."""
    cluster.revive()
    wait_until(lambda: follow(cluster), "the replicas to replicate")
    cluster.wait_caught_up(timeout=120)
    wye.wait_pool(cluster.replicas)
    wait_until(lambda: wye.servers()[cluster.primary.address]["state"] == "up", "wye to have the primary again")
