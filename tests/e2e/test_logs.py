"""The logs: lines and JSON, slow statements with their traces, the audit; reopened, bounded, and without secrets."""

import contextlib
import json
import os
import signal

import pymysql
import pytest

from conftest import start_wye
from endpoint import wait_until
from test_capabilities import attributes
from wire_client import QUERY, QUERY_ATTRIBUTES, USUAL, WireClient
from wye_process import run_wye

SECRET = "s3cr3t"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00-%s-00f067aa0ba902b7-01" % TRACE


@pytest.fixture
def logged(cluster, tmp_path):
    """Starts a wye whose logs are files, in JSON."""
    started = []

    def start(*settings):
        files = [word for name in ("log_file", "slow_log_file", "audit_file")
                 for word in ("--set", "%s=%s" % (name, tmp_path / name))]
        wye = start_wye(cluster, tmp_path / "wye", *files, "--set", "log_format=json",
                        *(word for one in settings for word in ("--set", one)))
        started.append(wye)
        wye.lines = lambda name: lines_of(tmp_path / name)
        return wye

    yield start
    for wye in started:
        wye.kill()


def lines_of(path):
    """Every line is one JSON object with what all of them have."""
    found = []
    for line in path.read_text().splitlines():
        one = json.loads(line)
        assert {"time", "level", "area", "thread", "event"} <= set(one) and all(isinstance(v, str) for v in one.values())
        found.append(one)
    return found


def wait_line(wye, name, event, **fields):
    def is_it(line):
        return line["event"] == event and all(value in line.get(key, "") for key, value in fields.items())
    return wait_until(lambda: next((line for line in wye.lines(name) if is_it(line)), None),
                      "%s with %s in %s" % (event, fields, name))


def test_each_event_is_a_line_of_json(logged):
    wye = logged("log_levels=sessions=debug")
    with wye.session() as session:
        session.run("SELECT 1")
    ended = wait_line(wye, "log_file", "session-end", user="app")
    assert (ended["level"], ended["area"], ended["end"]) == ("debug", "sessions", "quit")
    wye.console("SET log_levels = ''")
    assert not [line for line in wye.lines("log_file") if line["level"] == "debug" and line["area"] != "sessions"]
    with pytest.raises(pymysql.MySQLError, match="did you mean 'sessions'"):
        wye.console("SET log_levels = 'session=debug'")
    wye.finish()
    assert wye.lines("log_file")[-1]["event"] == "stopped"


def test_slow_statements_tell_where_their_time_went(logged, flavor):
    wye = logged("slow_log_time=150ms")
    with wye.session() as session:
        session.run("SELECT 'quick'")
        session.run("SELECT SLEEP(0.2), 'literal' /*traceparent='%s'*/" % PARENT)
    line = wait_line(wye, "slow_log_file", "slow-statement")
    assert (line["user"], line["schema"], line["trace_id"], line["rows_sent"]) == ("app", "app", TRACE, "1")
    assert int(line["time_us"]) >= int(line["server_us"]) >= 150000
    assert line["statement"].startswith("SELECT SLEEP") and "literal" not in line["statement"]
    (digest,) = wye.console("SELECT DISTINCT digest FROM stats_statements WHERE text LIKE '%SLEEP%'")
    assert line["digest"] == digest["digest"] and line["server"] in wye.servers()
    wye.console("SET log_literals = on")
    with wye.session() as session:
        session.run("SELECT SLEEP(0.2), 'literal'")
    assert "trace_id" not in wait_line(wye, "slow_log_file", "slow-statement", statement="'literal'")
    assert len(wye.lines("slow_log_file")) == 2
    wye.console("SET slow_log_time = 0")
    with wye.session() as session:
        session.run("SELECT SLEEP(0.2)")
    wye.finish()
    assert len(wye.lines("slow_log_file")) == 2


@pytest.mark.flavor("mysql")
def test_a_trace_may_come_as_a_query_attribute(logged, cluster):
    wye = logged("slow_log_time=1us")
    one = WireClient(wye, caps=USUAL | QUERY_ATTRIBUTES, tls=True)
    try:
        for value, text in ((PARENT, "SELECT 'traced'"), ("00-" + "x" * 52, "SELECT NOW()")):
            one.write(bytes([QUERY]) + attributes(traceparent=value) + text.encode())
            one.result()
    finally:
        one.close()
    assert wait_line(wye, "slow_log_file", "slow-statement", statement="SELECT ?")["trace_id"] == TRACE
    assert "trace_id" not in wait_line(wye, "slow_log_file", "slow-statement", statement="NOW")


def test_the_audit_tells_who_came_and_what_was_changed(logged):
    wye = logged("audit=statements")
    with wye.session() as session:
        session.run("SELECT 77")
    with pytest.raises(pymysql.MySQLError):
        wye.connect(password=SECRET)
    wye.console("SET max_lag = '7s'")
    login = wait_line(wye, "audit_file", "login", user="app")
    assert login["client"].startswith("127.0.0.1:")
    assert wait_line(wye, "audit_file", "statement", session=login["session"])["statement"] == "SELECT ?"
    wait_line(wye, "audit_file", "logout", session=login["session"])
    assert wait_line(wye, "audit_file", "login-refused", user="app")["error"] == "1045"
    wait_line(wye, "audit_file", "admin-login", user="admin")
    wait_line(wye, "audit_file", "console-statement", user="admin", statement="SET max_lag = ?")
    wait_line(wye, "audit_file", "configuration", user="admin", change="max_lag")
    wait_line(wye, "audit_file", "admin-logout", user="admin")
    before = len([line for line in wye.lines("audit_file") if line["event"] == "statement"])
    wye.console("SET audit = logins")
    with wye.session() as session:
        session.run("SELECT 78")
    wye.console("SET audit = off")
    with wye.session(user="sbtest", database="sbtest") as session:
        session.run("SELECT 79")
    wye.finish()
    lines = wye.lines("audit_file")
    assert len([line for line in lines if line["event"] == "statement"]) == before
    assert len([line for line in lines if line["event"] == "login"]) == 2


def test_no_secret_is_in_any_log(logged, cluster, tmp_path):
    """However much is asked for: every statement, with its literals, at every level."""
    wye = logged("audit=statements", "slow_log_time=1us", "log_literals=on", "log_level=debug")
    with wye.session(user="admin", database=None, tls=cluster.flavor == "mysql") as session:
        for statement in ("CREATE USER spoken@'%%' IDENTIFIED BY '%s'", "ALTER USER spoken@'%%' IDENTIFIED BY '%s'",
                          "SET PASSWORD FOR spoken@'%%' = %s", "/* x */ ALTER USER spoken@'%%' IDENTIFIED BY \"%s\"",
                          "CREATE USER other@'%%' IDENTIFIED WITH no_such_plugin BY '%s'",
                          "SELECT 'kept', 'password', '%s'"):
            text = statement % SECRET
            if statement.startswith("SET PASSWORD"):
                text = statement % ("'%s'" % SECRET if cluster.flavor == "mysql" else "PASSWORD('%s')" % SECRET)
            try:
                session.run(text)
            except pymysql.MySQLError:
                pass
        # A name under ANSI_QUOTES, a word without quotes: servers refuse them, and tell where.
        for mode in ("ANSI_QUOTES", ""):
            session.run("SET sql_mode = '%s'" % mode)
            for statement in ('SET PASSWORD = "%s"', 'CREATE USER third IDENTIFIED BY "%s"', "SET PASSWORD = %s",
                              'CHANGE MASTER TO MASTER_PASSWORD="%s"', 'CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD="%s"',
                              'ALTER USER spoken@"%%" IDENTIFIED BY `%s`', "CREATE USER third IDENTIFIED BY '%s",
                              'START REPLICA PASSWORD = "%s', "SELECT 1; ALTER USER spoken IDENTIFIED BY \"%s\""):
                with contextlib.suppress(pymysql.MySQLError):
                    session.run(statement % SECRET)
        session.run("ALTER USER admin@'%' IDENTIFIED BY 'admin'")
        session.run("SELECT 'asked for'")
        session.run("DROP USER spoken@'%'")
    cluster.wait_caught_up()
    with pytest.raises(pymysql.MySQLError):
        wye.connect(user="spoken", password=SECRET)
    for statement in ("INSERT INTO users (name, password) VALUES ('app3', '%s')", "EXPLAIN ROUTE CREATE USER a IDENTIFIED BY '%s'",
                      "UPDATE users SET password = '%s2' WHERE name = 'app3'", "DELETE FROM users WHERE password = '%s'",
                      "SET no_such = '%s'", "INSERT INTO users (name, password) VALUES ('app3, '%s')",
                      "SELECT '%s' AS x"):
        try:
            wye.console(statement % SECRET)
        except pymysql.MySQLError:
            pass
    wye.console("DELETE FROM users WHERE name = 'app3'")
    wait_line(wye, "audit_file", "statement", statement="asked for")
    told = [json.dumps(wye.console("SELECT * FROM " + table), default=str) for table in ("stats_events", "stats_statements",
                                                                                        "stats_errors", "stats_checks")]
    wye.finish()
    for text in told + [(tmp_path / name).read_text() for name in ("log_file", "slow_log_file", "audit_file")] + [wye.log()]:
        assert SECRET not in text


def test_files_are_opened_anew_on_sighup(logged, tmp_path):
    wye = logged("audit=logins")
    with wye.session():
        pass
    wait_line(wye, "audit_file", "logout")
    for name in ("audit_file", "log_file"):
        os.rename(tmp_path / name, tmp_path / (name + ".1"))
    os.kill(wye.pid, signal.SIGHUP)
    wait_until(lambda: (tmp_path / "log_file").exists(), "the new file")
    wait_line(wye, "log_file", "log-reopened")
    with wye.session(user="sbtest", database="sbtest"):
        pass
    wait_line(wye, "audit_file", "login", user="sbtest")
    assert not [line for line in lines_of(tmp_path / "audit_file.1") if line.get("user") == "sbtest"]
    rows = {row["log"]: row for row in wye.console("SELECT * FROM stats_logs")}
    assert rows["audit"]["lines"] >= 3 and not rows["audit"]["dropped"] and not rows["log"]["failed"]


def test_what_comes_too_often_is_told_in_one_line(logged):
    wye = logged("log_rate=5", "log_levels=sessions=debug")
    for _ in range(40):
        with wye.session():
            pass
    line = wait_line(wye, "log_file", "session-end", text="repeated")
    assert int(line["text"].split()[1]) > 1
    wait_until(lambda: [line for line in wye.lines("log_file") if "repeated" in line.get("text", "")]
               and wye.console("SELECT repeated FROM stats_logs WHERE log = 'log'")[0]["repeated"], "them to be counted")


def test_an_unwritable_log_keeps_wye_from_starting(cluster, wye_binary, tmp_path):
    for name in ("log_file", "slow_log_file", "audit_file"):
        done = run_wye("--set", "%s=%s/none/there" % (name, tmp_path), cluster.monitor_url())
        assert done.returncode == 1 and name in done.stderr
