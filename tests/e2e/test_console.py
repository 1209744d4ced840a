"""What wye tells about itself: on the console, and over HTTP."""

import re
import shutil
import subprocess

import pymysql
import pytest

from endpoint import Endpoint, wait_until


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.counted (id INT PRIMARY KEY AUTO_INCREMENT, v INT)")
    cluster.wait_caught_up()


def ask(wye, statement):
    """A statement on the console with MariaDB's command line client."""
    done = subprocess.run([shutil.which("mariadb"), "--no-defaults", "--host=127.0.0.1", "--port=%d" % wye.admin_port,
                           "--protocol=tcp", "--batch", "-e", statement], stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", timeout=60)
    return done


def test_stats_servers_shows_every_server_with_role_and_state(wye, cluster):
    rows = wye.servers()
    assert set(rows) == {server.address for server in cluster.servers}
    for server in cluster.servers:
        row = rows[server.address]
        assert row["role"] == ("primary" if server.is_primary else "replica")
        assert row["state"] == "up"
        assert row["takes_reads"] == (0 if server.is_primary else 1)
        assert row["flavor"] == cluster.flavor and cluster.version in row["version"]
        assert row["read_only"] == (0 if server.is_primary else 1)
        assert (row["source"] or "") == ("" if server.is_primary else cluster.primary.address)
        if not server.is_primary:
            assert 0 <= row["lag_ms"] < 10000


def routes(wye):
    return {(row["route"], row["reason"]): int(row["statements"]) for row in wye.console("SELECT * FROM stats_routes")}


def test_statements_are_counted_by_route_reason_and_server(wye, cluster):
    with wye.session() as session:
        session.value("SELECT 1 FROM whoami")
        before, servers = routes(wye), wye.servers()
        for i in range(40):
            session.value("SELECT v FROM counted WHERE id = 1")
        for i in range(20):
            session.run("INSERT INTO counted (v) VALUES (1)")
        session.value("SELECT v FROM counted WHERE id = 1 FOR UPDATE")
        session.run("BEGIN")
        session.value("SELECT v FROM counted WHERE id = 1")
        session.run("COMMIT")
        session.run("SET group_concat_max_len = 4096")
        session.error("SELEKT 1")
        after, servers_after = routes(wye), wye.servers()
    grown = {key: after.get(key, 0) - before.get(key, 0) for key in after if after.get(key, 0) != before.get(key, 0)}
    assert grown[("replica", "read")] == 40
    assert grown[("primary", "write")] == 20
    assert grown[("primary", "locking-read")] == 1
    assert grown[("local", "begin")] == 1  # It is sent with the first statement.
    assert grown[("primary", "in-transaction")] == 1
    assert grown[("primary", "commit")] == 1
    assert grown[("session", "set")] == 1
    assert grown[("primary", "unknown-statement")] == 1
    assert sum(grown.values()) == 66
    by_server = {server.name: servers_after[server.address]["statements"] - servers[server.address]["statements"]
                 for server in cluster.servers}
    assert by_server["replica1"] + by_server["replica2"] in (40, 41)  # The SET may run wherever the session is.
    assert sum(by_server.values()) == 65  # BEGIN is a part of the next.
    assert servers_after[cluster.primary.address]["errors"] - servers[cluster.primary.address]["errors"] == 1


def test_ordinary_clients_can_ask_the_console(wye, cluster):
    with wye.session() as session:
        assert session.value("SELECT 1") == 1  # a route to tell of
    for statement in ("SELECT server, role FROM stats_servers ORDER BY role, server", "SHOW TABLES", "SHOW SERVERS",
                      "SELECT route, reason, statements FROM stats_routes ORDER BY statements DESC LIMIT 5",
                      "SELECT s.server, COUNT(e.number) FROM stats_servers s LEFT JOIN stats_events e USING (server) GROUP BY 1"):
        done = ask(wye, statement)
        assert done.returncode == 0 and done.stdout, done.stderr
    lines = ask(wye, "SELECT server, role FROM stats_servers ORDER BY role, server").stdout.splitlines()
    assert lines[0] == "server\trole" and lines[1] == cluster.primary.address + "\tprimary" and len(lines) == 4


def test_mysqls_own_client_can_ask_the_console(wye, cluster, mysql_client):
    console = Endpoint("127.0.0.1", wye.admin_port)
    done = subprocess.run(mysql_client.command(console, False) + ["--batch", "-e", "SELECT server FROM stats_servers"],
                          stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split()) == sorted(["server"] + [server.address for server in cluster.servers])


def test_a_wrong_word_on_the_console_is_answered_with_the_right_one(wye):
    for statement, right in (("SELECT * FROM stats_server", "stats_servers"), ("SHOW SERVRES", "SERVERS"),
                             ("SET max_lagg = 1", "max_lag")):
        with pytest.raises(pymysql.MySQLError) as caught:
            wye.console(statement)
        assert right in caught.value.args[1], caught.value
    assert wye.servers()


def test_events_tell_when_a_replica_left_and_returned_and_why(hurt, wye):
    replica = hurt.replicas[0]
    hurt.stop_sql(replica)
    wait_until(lambda: not wye.takes_reads(replica), "the replica to leave the pool")
    row = wye.servers()[replica.address]
    assert row["state"] == "stopped" and "SQL" in row["reason"], row["reason"]
    hurt.start_sql(replica)
    wait_until(lambda: wye.takes_reads(replica), "the replica to come back")
    events = [row for row in wye.console("SELECT * FROM stats_events ORDER BY number") if row["server"] == replica.address]
    assert [row["kind"] for row in events][-2:] == ["replica-out", "replica-in"]
    assert all(row["text"] for row in events)
    assert "replica-out" in wye.log() and "replica-in" in wye.log()


SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"(?:,[a-zA-Z_]\w*="(?:[^"\\]|\\.)*")*\})?'
                    r' (-?[0-9.eE+-]+|NaN|[+-]Inf)( \d+)?')


def metrics(wye):
    """The samples of /metrics, each line of which must be one that Prometheus can read."""
    status, text = wye.get("/metrics")
    assert status == 200
    samples, described = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            described.add(line.split()[2])
        elif line and not line.startswith("#"):
            match = SAMPLE.fullmatch(line)
            assert match, line
            samples[match.group(1) + (match.group(2) or "")] = float(match.group(3))
            assert re.sub(r"_(bucket|sum|count)$", "", match.group(1)) in described or match.group(1) in described, line
    return samples


def test_metrics_say_what_the_console_says(wye, cluster):
    with wye.session() as session:
        for _ in range(20):
            session.value("SELECT v FROM counted WHERE id = 1")
    samples = metrics(wye)
    for (route, reason), count in routes(wye).items():
        if count:
            assert samples['wye_statements_total{route="%s",reason="%s"}' % (route, reason)] == count
    for server in cluster.servers:
        assert samples['wye_server_up{server="%s"}' % server.address] == 1
        assert samples['wye_server_takes_reads{server="%s"}' % server.address] == (0 if server.is_primary else 1)
        assert samples['wye_server_statements_total{server="%s"}' % server.address] == wye.servers()[server.address]["statements"]
    assert samples["wye_logins_total"] >= 1


def test_health_and_readiness_answer(wye):
    assert wye.get("/healthz")[0] == 200
    assert wye.get("/readyz")[0] == 200
    status, text = wye.get("/no-such-page")
    assert status == 404 and "/metrics" in text


def test_sessions_are_shown_with_what_ties_them(wye, cluster):
    with wye.session() as session, wye.session() as other:
        session.run("CREATE TEMPORARY TABLE mine (a INT)")
        other.value("SELECT 1 FROM whoami")
        number = session.value("SELECT CONNECTION_ID()")
        rows = {row["id"]: row for row in wye.console("SELECT * FROM stats_sessions")}
        assert rows[number]["user"] == "app" and rows[number]["schema"] == "app"
        assert "temporary-table" in rows[number]["pins"]
        assert rows[number]["server"] == cluster.primary.address
        rest = [row for key, row in rows.items() if key != number]
        assert any(not row["pins"] for row in rest)
