"""Every table and every verb of the console, by each kind of client: what SHOW TABLES and HELP list is what is tried, so
that none can be forgotten."""

import subprocess

import pymysql
import pytest
from mycli.sqlexecute import SQLExecute

from conftest import start_wye
from driver_programs import CommandLine
from endpoint import Endpoint, any_certificate
from wire_client import CONNECT_WITH_DB, USUAL, WireClient

# What is said of each verb; @server stands for a replica's address. Those of one list are said one after the other.
VERBS = {
    "SHOW TABLES": ["SHOW TABLES", "SHOW TABLES LIKE 'stats%'"],
    "SHOW SERVERS": ["SHOW SERVERS", "SHOW SERVERS WHERE role = 'primary'"],
    "SHOW POOLS": ["SHOW POOLS"],
    "SHOW SESSIONS": ["SHOW SESSIONS"],
    "SHOW STATEMENTS": ["SHOW STATEMENTS LIKE '%'"],
    "SHOW LATENCY": ["SHOW LATENCY"],
    "RESET STATEMENTS": ["RESET STATEMENTS", "RESET STATEMENTS '0123456789abcdef'"],
    "RESET ERRORS": ["RESET ERRORS"],
    "SHOW ROUTES": ["SHOW ROUTES"],
    "SHOW LEARNED": ["SHOW LEARNED"],
    "SHOW PINS": ["SHOW PINS"],
    "SHOW WORKERS": ["SHOW WORKERS"],
    "SHOW EVENTS": ["SHOW EVENTS ORDER BY number DESC LIMIT 3"],
    "SHOW MEMORY": ["SHOW MEMORY"],
    "SHOW SETTINGS": ["SHOW SETTINGS LIKE 'max%'"],
    "SHOW RULES": ["SHOW RULES"],
    "SHOW USERS": ["SHOW USERS"],
    "SHOW ADMINS": ["SHOW ADMINS"],
    "SHOW PROCESSLIST": ["SHOW PROCESSLIST"],
    "SHOW COLUMNS FROM": ["SHOW COLUMNS FROM stats_servers"],
    "SHOW CREATE TABLE": ["SHOW CREATE TABLE servers"],
    "SHOW VARIABLES": ["SHOW VARIABLES LIKE 'version%'"],
    "SHOW STATUS": ["SHOW STATUS LIKE 'Uptime'"],
    "EXPLAIN ROUTE": ["EXPLAIN ROUTE SELECT 1 FROM t FOR USER app IN DATABASE app FROM CLIENT 10.0.0.1",
                      "EXPLAIN ROUTE SELECT 1 FROM t AFTER 'BEGIN' FOR USER app"],
    "CHECK": ["CHECK WHERE severity = 'ok'"],
    "SET": ["SET max_lag = '9s'", "SET max_lag = DEFAULT"],
    "BEGIN": ["BEGIN", "SET max_lag = '8s'", "ROLLBACK"],
    "COMMIT": ["BEGIN", "SET max_lag = '8s'", "COMMIT", "SET max_lag = DEFAULT"],
    "ROLLBACK": ["BEGIN", "ROLLBACK"],
    "SHOW CONFIG": ["SHOW CONFIG LIKE 'max_lag'"],
    "SHOW CONFIG DIFF": ["SHOW CONFIG DIFF"],
    "SHOW CONFIG HISTORY": ["SHOW CONFIG HISTORY"],
    "ROLLBACK CONFIG TO": ["ROLLBACK CONFIG TO 1"],
    "EXPORT CONFIG": ["EXPORT CONFIG"],
    "RELOAD TLS": ["RELOAD TLS"],
    "RELOAD": [],    # tests/e2e/test_config.py: only a configuration that is a file's can be read again
    "KILL": [],      # below: it takes somebody to be killed
    "DRAIN": ["DRAIN '@server'", "RESUME '@server'"],
    "PAUSE": ["PAUSE", "RESUME"],
    "RESUME": ["RESUME"],
    "SWITCHOVER": [],  # test_switchover.py
    "FAILOVER": [],    # test_failover.py
    "REJOIN": [],
    "SHUTDOWN": [],  # below: it is the last
    "HELP": ["HELP"],
    "SELECT ...": ["SELECT role, count(*) AS n FROM stats_servers GROUP BY role"],
}


@pytest.fixture(scope="module")
def own(cluster, tmp_path_factory):
    """A wye with a configuration that has a history."""
    folder = tmp_path_factory.mktemp("words")
    wye = start_wye(cluster, folder / "wye", "--config", str(folder / "wye.db"))
    wye.console("SET slow_start = '7s'")
    yield wye
    wye.kill()


@pytest.fixture
def sayings(own, cluster):
    """All statements, tables first."""
    verbs = {row["command"] for row in own.console("HELP")}
    assert verbs == set(VERBS), "a verb that is not tried, or is gone"
    tables = [row["Tables_in_wye"] for row in own.console("SHOW TABLES")]
    assert len(tables) >= 20
    return (["SELECT * FROM %s LIMIT 3" % table for table in tables] + ["DESC " + table for table in tables] +
            [one.replace("@server", cluster.replicas[0].address) for many in VERBS.values() for one in many])


@pytest.mark.parametrize("name, tls", [("mariadb", False), ("mariadb", True), ("mysql", True)])
def test_the_clients_of_both_vendors(own, sayings, name, tls, request):
    if name == "mysql":
        request.getfixturevalue("mysql_client")
    command = CommandLine(name).command(Endpoint("127.0.0.1", own.admin_port), tls, user="admin")
    done = subprocess.run(command + ["--table", "wye"], input=";\n".join(sayings) + ";\nSHOW STATUS LIKE 'Ssl%';\n",
                          capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr[-2000:]
    assert "mysql_native_password" not in done.stderr
    for word in ("severity", "takes_reads", "CREATE TABLE"):
        assert word in done.stdout


def test_pymysql_as_text(own, sayings):
    with pymysql.connect(host="127.0.0.1", port=own.admin_port, user="admin", ssl=any_certificate()) as connection:
        assert connection._secure
        for one in sayings:
            with connection.cursor() as cursor:
                cursor.execute(one)
                assert not one.startswith("DESC") or cursor.rowcount > 0, one


@pytest.mark.parametrize("tls", [False, True])
def test_prepared_statements(own, sayings, tls):
    client = WireClient(Endpoint("127.0.0.1", own.admin_port), caps=USUAL & ~CONNECT_WITH_DB, user="admin", tls=tls)
    try:
        for one in sayings:
            number, _, parameters = client.prepare(one)
            assert not parameters
            client.execute(number)
            client.close_statement(number)
        number, _, parameters = client.prepare("SELECT name FROM settings WHERE name = ? OR name = ?")
        assert parameters == 2
    finally:
        client.close()


def test_mycli(own, sayings):
    executor = SQLExecute("wye", "admin", "any", "127.0.0.1", own.admin_port, None, "utf8mb4", False, {}, *[None] * 5)
    for one in sayings:
        assert list(executor.run(one)), one


def test_an_answer_of_many_packets_over_tls(own):
    with pymysql.connect(host="127.0.0.1", port=own.admin_port, user="admin", ssl=any_certificate()) as connection:
        with connection.cursor() as cursor:
            cursor.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                           "SELECT i, hex(zeroblob(100)) FROM n")
            assert [row[0] for row in cursor.fetchall()] == list(range(1, 20001))


def test_the_rest_kill_and_shutdown(own):
    with own.session() as session:
        session.run("SELECT 1")
        (row,) = own.console("SELECT id FROM stats_sessions")
        own.console("KILL QUERY %d" % row["id"])
        own.console("KILL %d" % row["id"])
        with pytest.raises((pymysql.MySQLError, OSError)):
            session.run("SELECT 1")
            session.run("SELECT 1")
    own.console("SHUTDOWN")
    assert own.process.wait(60) == 0


def test_tls_is_not_offered_where_it_is_off(cluster, tmp_path, wye_binary):
    wye = start_wye(cluster, tmp_path / "wye", "--set", "client_tls=off")
    try:
        with pymysql.connect(host="127.0.0.1", port=wye.admin_port, user="admin", ssl=any_certificate()) as connection:
            assert not connection._secure
    finally:
        wye.kill()
