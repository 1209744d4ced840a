"""CHECK on the console and `wye --check`: each fault is staged on real servers, found, and gone when it is cured."""

import contextlib
import threading

import pymysql
import pytest

from endpoint import wait_until
from wye_cluster import Cluster
from wye_process import run_wye


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "accounts_interval=200ms", "--set", "monitor_interval=100ms"]


def check(wye, condition="WHERE 1"):
    return wye.console("CHECK " + condition)


def found(wye, severity, subject, text):
    """The finding with this text about this server."""
    return next((row for row in check(wye) if row["severity"] == severity and row["subject"] == subject
                 and text in row["finding"]), None)


def wait_found(wye, severity, subject, text):
    row = wait_until(lambda: found(wye, severity, subject, text), "CHECK to find %r of %s" % (text, subject))
    assert row["advice"], row
    return row


def wait_cured(wye, subject, text):
    wait_until(lambda: not any(row["subject"] == subject and text in row["finding"] for row in check(wye)),
               "CHECK to find %r of %s no more" % (text, subject))


@contextlib.contextmanager
def changed(cluster, server, name, value):
    """A global variable of a server has another value meanwhile."""
    with cluster.witness.root(server) as root:
        before = root.value("SELECT @@global.%s" % name)
        root.run("SET GLOBAL %s = %%s" % name, [value])
        try:
            yield
        finally:
            root.run("SET GLOBAL %s = %%s" % name, [before])


def test_a_healthy_cluster_has_no_problems(wye, cluster):
    rows = check(wye)
    assert list(rows[0]) == ["severity", "subject", "finding", "advice"]
    assert not [row for row in rows if row["severity"] == "problem"]
    fine = {row["subject"]: row["finding"] for row in rows if row["severity"] == "ok" and row["subject"]}
    assert set(fine) == {server.address for server in cluster.servers}
    assert fine[cluster.primary.address].startswith("primary, up")
    stored = wye.console("SELECT severity, subject, finding, advice FROM stats_checks")
    assert len(stored) == len(rows)
    assert len(check(wye, "LIKE '%accounts'")) == 1


@pytest.mark.parametrize("name, value, text", [
    ("max_connections", 100, "max_connections"), ("time_zone", "+05:00", "time zone"),
    ("init_connect", "SET timestamp = 86400", "clock"),
])
def test_a_variable_of_one_server_that_does_not_fit(wye, cluster, name, value, text):
    server = cluster.replicas[0]
    assert not found(wye, "warning", server.address, text)
    with changed(cluster, server, name, value):
        assert found(wye, "warning", server.address, text)["advice"]
    assert not found(wye, "warning", server.address, text)


def test_statements_in_the_binary_log(wye, cluster):
    server = cluster.primary
    with changed(cluster, server, "binlog_format", "STATEMENT"):
        assert "ROW" in found(wye, "warning", server.address, "binlog_format is STATEMENT")["advice"]
    with changed(cluster, server, "binlog_format", "MIXED"):
        assert found(wye, "info", server.address, "binlog_format is MIXED")


def test_a_replica_that_may_be_written(wye, cluster):
    server = cluster.replicas[0]
    with cluster.witness.root(server) as root:
        try:
            if cluster.flavor == "mysql":
                assert not found(wye, "warning", server.address, "in spite of read_only")
                root.run("SET GLOBAL super_read_only = 0")
            row = found(wye, "warning", server.address, "in spite of read_only")
            assert "'admin'@'%'" in row["finding"] and "READ" in row["advice"].upper()
            root.run("SET GLOBAL read_only = 0")
            assert "read_only = 1" in found(wye, "warning", server.address, "is not read_only")["advice"]
        finally:
            root.run("SET GLOBAL read_only = 1")
            if cluster.flavor == "mysql":
                root.run("SET GLOBAL super_read_only = 1")
    assert not found(wye, "warning", server.address, "is not read_only")


def test_gtids_that_are_not_strict(wye, cluster):
    server = cluster.replicas[0]
    name, value = ("gtid_mode", "ON_PERMISSIVE") if cluster.flavor == "mysql" else ("gtid_strict_mode", 0)
    with changed(cluster, server, name, value):
        assert name in found(wye, "warning", server.address, name)["advice"]
    assert not found(wye, "warning", server.address, name)


@pytest.mark.flavor("mariadb")
def test_semi_synchronous_replication_by_halves(wye, cluster):
    """MySQL's are plugins: tests/unit/test_judge.c has the same cases."""
    primary, replica = cluster.primary, cluster.replicas[0]
    with changed(cluster, primary, "rpl_semi_sync_master_enabled", 1):
        assert "rpl_semi_sync_slave_enabled" in found(wye, "warning", primary.address, "no replica acknowledges")["advice"]
    with changed(cluster, replica, "rpl_semi_sync_slave_enabled", 1):
        assert "primary" in found(wye, "warning", replica.address, "would acknowledge")["advice"]


def test_durability_that_was_relaxed_is_told(wye, cluster):
    with changed(cluster, cluster.primary, "sync_binlog", 7):
        assert found(wye, "info", cluster.primary.address, "sync_binlog = 7")


def test_a_thread_that_stopped(hurt, wye):
    server = hurt.replicas[0]
    hurt.stop_sql(server)
    assert "START" in wait_found(wye, "problem", server.address, "replication has stopped there (SQL thread)")["advice"]
    hurt.start_sql(server)
    wait_cured(wye, server.address, "replication has stopped")


def test_a_replica_of_another_primary(hurt, wye, tmp_path):
    server, kind = hurt.replicas[1], hurt.kind
    one = "REPLICA" if hurt.flavor == "mysql" else "SLAVE"
    with Cluster(hurt.flavor, replicas=0, directory=tmp_path / "other") as other:
        other.sql("primary", "SET GLOBAL server_id = 99")
        hurt.sql(server, "STOP %s; %s" % (one, kind.replicate_sql(other.primary)))
        try:
            row = wait_found(wye, "problem", server.address, "replica of another primary")
            assert other.primary.address in row["finding"]
        finally:
            hurt.sql(server, "STOP %s; %s" % (one, kind.replicate_sql(hurt.primary)))
        wait_cured(wye, server.address, "another primary")


def test_two_writable_primaries(hurt, wye):
    server, kind = hurt.replicas[1], hurt.kind
    one = "REPLICA" if hurt.flavor == "mysql" else "SLAVE"
    switches = ["super_read_only", "read_only"] if hurt.flavor == "mysql" else ["read_only"]
    hurt.sql(server, ["STOP %s" % one, "RESET %s ALL" % one, *("SET GLOBAL %s = 0" % name for name in switches)])
    try:
        assert hurt.primary.address in wait_found(wye, "problem", server.address, "two primaries")["finding"]
    finally:
        hurt.sql(server, ["SET GLOBAL %s = 1" % name for name in reversed(switches)])
        hurt.sql(server, kind.replicate_sql(hurt.primary))
    wait_cured(wye, server.address, "two primaries")


def test_a_replica_that_logs_nothing_cannot_take_over(hurt, wye):
    server = hurt.replicas[0]
    name = "log_replica_updates" if hurt.flavor == "mysql" else "log_slave_updates"
    before = server.cnf.read_text()
    try:
        server.cnf.write_text(before + "%s=0\n" % name)
        hurt.kill(server)
        assert "running" in wait_found(wye, "problem", server.address, "cannot reach it")["advice"]
        hurt.start(server)
        assert name in wait_found(wye, "warning", server.address, "is off there")["advice"]
    finally:
        server.cnf.write_text(before)
        hurt.kill(server)
        hurt.start(server)
    wait_cured(wye, server.address, "is off there")


def test_an_account_that_cannot_log_in_through_wye(wye, cluster, foreign_plugin):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE USER odd@'%%' IDENTIFIED WITH %s" % foreign_plugin)
        try:
            wait_found(wye, "warning", "'odd'@'%'", foreign_plugin)
        finally:
            root.run("DROP USER odd@'%'")
    wait_cured(wye, "'odd'@'%'", foreign_plugin)
    cluster.wait_caught_up()


def test_statements_that_tie_their_sessions_or_could_be_read_elsewhere(wye, cluster):
    wye.console("RESET STATEMENTS")
    with wye.session() as session:
        session.run("SELECT name FROM whoami WHERE id = 1 FOR UPDATE")
        session.run("SELECT GET_LOCK('checked', 1)")
        session.run("SELECT RELEASE_LOCK('checked')")
        session.run("SELECT name FROM whoami WHERE id = 77")
    rows = [row for row in check(wye) if row["severity"] == "info" and row["finding"].startswith("this statement")]
    locking = [row for row in rows if "locks the rows" in row["finding"]]
    assert len(locking) == 1 and "FOR UPDATE" in locking[0]["advice"]
    (digest,) = wye.console("SELECT DISTINCT digest FROM stats_statements WHERE text LIKE '%FOR UPDATE%'")
    assert locking[0]["subject"] == digest["digest"]
    assert any("GET_LOCK" in row["finding"] and "RELEASE_LOCK" in row["advice"] for row in rows)
    assert not any("77" in row["finding"] or "checked" in row["finding"] for row in rows)


def test_grants_that_the_monitor_account_lacks(cluster, wye_binary):
    mysql = cluster.flavor == "mysql"
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE USER poor@'%' IDENTIFIED BY 'poor'")
        root.run("GRANT %s ON *.* TO poor@'%%'" % ("REPLICATION CLIENT" if mysql else "SLAVE MONITOR"))
        root.run("GRANT SELECT ON mysql.%s TO poor@'%%'" % ("user" if mysql else "global_priv"))
    cluster.wait_caught_up()
    try:
        servers = [word for one in cluster.servers for word in ("--server", one.address)]
        done = run_wye("--check", *servers, "mysql://poor:poor@" + cluster.primary.address)
        assert done.returncode == 0, done.stdout + done.stderr
        lacking = [line for line in done.stdout.splitlines() if line.startswith("warning") and "lacks a privilege" in line]
        assert any("REPLICATION SLAVE" in line if mysql else "REPLICATION MASTER ADMIN" in line for line in lacking)
        for line in lacking:
            with cluster.witness.root(cluster.primary) as root:
                root.run(line.partition("; run ")[2])
        cluster.wait_caught_up()
        done = run_wye("--check", *servers, "mysql://poor:poor@" + cluster.primary.address)
        assert "lacks a privilege" not in done.stdout
    finally:
        with cluster.witness.root(cluster.primary) as root:
            root.run("DROP USER poor@'%'")
        cluster.wait_caught_up()


def test_a_server_that_hangs_holds_up_nobody_else(hurt, wye):
    """The console answers others while the check waits; and the check itself ends."""
    server, answers = hurt.replicas[1], []
    hurt.stop(server)
    thread = threading.Thread(target=lambda: answers.append(check(wye)))
    thread.start()
    assert wye.console("SELECT 1 AS one") == [{"one": 1}]
    assert wye.console("SHOW SERVERS")
    thread.join()
    assert [row for row in answers[0] if row["subject"] == server.address and row["severity"] != "ok"]
    # Who goes away while it waits leaves nothing behind.
    gone = pymysql.connect(host="127.0.0.1", port=wye.admin_port, user="admin", password="")
    gone._execute_command(3, "CHECK")
    gone._force_close()
    assert wye.console("SELECT 1 AS one") == [{"one": 1}]
    hurt.cont(server)
    wait_cured(wye, server.address, "cannot reach")


def test_check_is_answered_like_any_other_statement(wye):
    """Filters, prepared statements, several at once, and no more than its own words."""
    rows = check(wye, "WHERE severity = 'ok' ORDER BY subject DESC LIMIT 2")
    assert len(rows) == 2 and rows[0]["subject"] > rows[1]["subject"]
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(len(check(wye)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8 and min(answers) > 0
    with pytest.raises(pymysql.MySQLError, match="CHECK"):
        wye.console("CHECK everything")
