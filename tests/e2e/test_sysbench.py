"""sysbench's load through wye: no error, no reconnect, and every write on the primary."""

import os
import re
import subprocess

import pytest

from endpoint import Endpoint

SECONDS = int(os.environ.get("WYE_LONG", "5"))
THREADS = 64
TABLES = 4
ROWS = 20000


def sysbench(endpoint, script, command, *options):
    """sysbench's output; it must end well."""
    done = subprocess.run(["sysbench", script, "--db-driver=mysql", "--mysql-host=" + endpoint.host,
                           "--mysql-port=%d" % endpoint.port, "--mysql-user=sbtest", "--mysql-password=sbtest",
                           "--mysql-db=sbtest", "--tables=%d" % TABLES, "--table-size=%d" % ROWS, "--rand-type=uniform",
                           *options, command],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
                          timeout=SECONDS + 300)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def run(endpoint, script, ps_mode):
    return sysbench(endpoint, script, "run", "--threads=%d" % THREADS, "--time=%d" % SECONDS, "--db-ps-mode=" + ps_mode,
                    "--report-interval=0")


def figure(output, name):
    return int(re.search(r"%s:\s+(\d+)" % name, output).group(1))


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    primary = Endpoint(cluster.primary.host, cluster.primary.port)
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP DATABASE sbtest")
        root.run("CREATE DATABASE sbtest")
    sysbench(primary, "oltp_read_write", "prepare")
    cluster.wait_caught_up(timeout=120)


@pytest.mark.parametrize("ps_mode", ["disable", "auto"])
def test_oltp_read_write_meets_no_error_and_writes_on_the_primary_only(endpoint, cluster, witness, ps_mode):
    names = ("Com_insert", "Com_update", "Com_delete")
    before, deadlocks = witness.status(cluster.primary, *names), witness.deadlocks()
    written = witness.written("sbtest")
    output = run(endpoint, "oltp_read_write", ps_mode)
    after = witness.status(cluster.primary, *names)
    assert figure(output, "reconnects") == 0, output
    # The one error that may be: two of these transactions met, and the primary itself ended one.
    assert figure(output, "ignored errors") == witness.deadlocks() - deadlocks, output
    transactions = figure(output, "transactions")
    assert transactions > 0
    for name in names:
        assert after[name] - before[name] >= transactions, name
    # A replica would have refused a write, which sysbench had shown; and none has even been asked.
    for replica in cluster.replicas:
        assert witness.written("sbtest")[replica.name] == written[replica.name]
    cluster.wait_caught_up(timeout=120)


@pytest.mark.parametrize("ps_mode", ["disable", "auto"])
def test_oltp_point_select_is_split_over_both_replicas_alike(wye, witness, cluster, ps_mode):
    # Who has read on one replica is not sent to another that has yet to apply what was seen.
    cluster.wait_caught_up(timeout=60)
    before = witness.selects("sbtest")
    output = run(wye, "oltp_point_select", ps_mode)
    after = witness.selects("sbtest")
    assert figure(output, "reconnects") == 0 and figure(output, "ignored errors") == 0, output
    counted = {name: after[name] - before[name] for name in after}
    assert counted["primary"] == 0, counted
    average = (counted["replica1"] + counted["replica2"]) / 2
    assert average > 0 and abs(counted["replica1"] - counted["replica2"]) <= 0.05 * average, counted
    # Every select that sysbench counts has run on one of the servers.
    assert figure(output, "read") <= sum(counted.values())

