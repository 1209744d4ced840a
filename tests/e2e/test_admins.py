"""Who may log in to the console, and what for."""

import contextlib
import pathlib
import subprocess
import sys
import tempfile

import pymysql
import pytest

from endpoint import Endpoint


@pytest.fixture(scope="module")
def socket():
    """In a folder that other users may look into, which those of a test run are not."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="wye-admin.") as folder:
        pathlib.Path(folder).chmod(0o755)
        yield folder + "/s"


@pytest.fixture(scope="module")
def wye_options(socket):
    return ["--admin", socket]


@pytest.fixture
def admins(wye, socket):
    """Two accounts, for as long as the test runs."""
    wye.console("INSERT INTO admins(name, password) VALUES('boss', 'of it all')")
    ask(wye, "INSERT INTO admins(name, password, role) VALUES('eye', 'sees', 'monitor')", "boss", "of it all")
    yield
    with contextlib.closing(pymysql.connect(unix_socket=socket, user="anybody", autocommit=True)) as connection:
        connection.cursor().execute("DELETE FROM admins")


def ask(wye, sql, user, password):
    connection = pymysql.connect(host="127.0.0.1", port=wye.admin_port, user=user, password=password, autocommit=True,
                                 cursorclass=pymysql.cursors.DictCursor)
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_without_accounts_who_runs_wye_may(wye, socket):
    assert ask(wye, "SELECT 1 AS one", "anybody", "anything") == [{"one": 1}]
    with contextlib.closing(pymysql.connect(unix_socket=socket, user="anybody")) as connection:
        connection.ping()


# Prints the error it gets as another user of this machine.
STRANGER = """
import os, pymysql, sys
os.setgid(65534), os.setuid(65534)
where = {"unix_socket": sys.argv[1]} if sys.argv[1][0] == "/" else {"host": "127.0.0.1", "port": int(sys.argv[1])}
try:
    pymysql.connect(user=sys.argv[2], password=sys.argv[3], **where).close()
    print("it is in")
except pymysql.MySQLError as error:
    print(error)
"""


def as_somebody_else(where, user="admin", password=""):
    return subprocess.run([sys.executable, "-c", STRANGER, str(where), user, password], stdin=subprocess.DEVNULL,
                          capture_output=True, encoding="utf-8", timeout=60, check=True, cwd="/").stdout


def test_without_accounts_another_user_hears_how_to_create_one(wye):
    for user, password in (("admin", ""), ("admin", "admin"), ("root", "root")):
        said = as_somebody_else(wye.admin_port, user, password)
        assert "1130" in said and "INSERT INTO admins" in said


def test_another_user_needs_an_account_on_the_unix_socket_too(wye, admins, socket):
    pathlib.Path(socket).chmod(0o777)
    try:
        assert "1045" in as_somebody_else(socket)
        assert "1045" in as_somebody_else(wye.admin_port)
        assert "it is in" in as_somebody_else(socket, "eye", "sees")
        assert "it is in" in as_somebody_else(wye.admin_port, "boss", "of it all")
    finally:
        pathlib.Path(socket).chmod(0o600)


@pytest.mark.parametrize("user, password", [("boss", "wrong"), ("boss", ""), ("eye", "of it all"), ("admin", ""),
                                            ("admin", "admin"), ("", "")])
def test_with_accounts_the_name_and_password_must_be_right(wye, admins, user, password):
    with pytest.raises(pymysql.MySQLError) as refused:
        ask(wye, "SELECT 1", user, password)
    assert refused.value.args[0] == 1045


def test_the_right_password_lets_in(wye, admins, cluster, mysql_client):
    assert ask(wye, "SELECT USER() AS u", "boss", "of it all")[0]["u"].startswith("boss@")
    refused = ask(wye, "SELECT * FROM stats_events WHERE kind = 'admin-refused'", "boss", "of it all")
    assert not any("of it all" in row["text"] for row in refused)
    # By caching_sha2_password, and wrongly.
    for password, status in (("of it all", 0), ("of it none", 1)):
        command = mysql_client.command(Endpoint("127.0.0.1", wye.admin_port), False, user="boss", password=password)
        done = subprocess.run(command + ["--batch", "-e", "SELECT count(*) FROM servers"], stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", timeout=60)
        assert done.returncode == status, done.stderr


def test_the_owner_of_the_unix_socket_needs_no_password(wye, admins, socket):
    with contextlib.closing(pymysql.connect(unix_socket=socket, user="anybody", autocommit=True)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SET max_lag = '9s'")
            cursor.execute("SET max_lag = DEFAULT")


@pytest.mark.parametrize("sql", ["SET max_lag = '1s'", "INSERT INTO servers(server) VALUES('db9:3306')", "DELETE FROM admins",
                                 "UPDATE admins SET role = 'admin' WHERE name = 'eye'", "KILL 1", "PAUSE", "RESUME",
                                 "DRAIN 'db9:3306'", "RESET STATEMENTS", "RESET ERRORS", "RELOAD", "SHUTDOWN",
                                 "ROLLBACK CONFIG TO 1", "EXPORT CONFIG WITH PASSWORDS"])
def test_a_monitor_changes_nothing(wye, admins, sql):
    with pytest.raises(pymysql.MySQLError) as refused:
        ask(wye, sql, "eye", "sees")
    assert refused.value.args[0] == 1227 and "monitor" in refused.value.args[1]


def test_a_monitor_reads_everything_but_secrets(wye, admins):
    for sql in ("SELECT * FROM stats_servers", "SHOW SESSIONS", "SHOW CONFIG", "EXPLAIN ROUTE SELECT 1", "HELP",
                "SET NAMES utf8mb4", "SELECT * FROM stats_mysql_global", "SHOW CONFIG HISTORY"):
        ask(wye, sql, "eye", "sees")
    shown = str(ask(wye, "SELECT * FROM admins", "eye", "sees")) + str(ask(wye, "EXPORT CONFIG", "eye", "sees"))
    assert "boss" in shown and "sees" not in shown
    assert len(max(shown.split("'"), key=len)) < 106  # The verifiers are longer.


def test_there_is_always_one_who_may_change_something(wye, admins):
    with pytest.raises(pymysql.MySQLError, match="role admin"):
        ask(wye, "DELETE FROM admins WHERE name = 'boss'", "boss", "of it all")
    with pytest.raises(pymysql.MySQLError, match="allowed: admin, monitor"):
        ask(wye, "UPDATE admins SET role = 'king' WHERE name = 'eye'", "boss", "of it all")
    with pytest.raises(pymysql.MySQLError, match="needs a password"):
        ask(wye, "INSERT INTO admins(name, password) VALUES('nobody', '')", "boss", "of it all")


def test_an_exported_account_can_be_brought_back(wye, admins, socket):
    lines = [row["statement"] for row in ask(wye, "EXPORT CONFIG WITH PASSWORDS", "boss", "of it all")]
    (eye,) = [line for line in lines if "'eye'" in line]
    assert "sees" not in eye
    ask(wye, "DELETE FROM admins WHERE name = 'eye'", "boss", "of it all")
    with pytest.raises(pymysql.MySQLError):
        ask(wye, "SELECT 1", "eye", "sees")
    ask(wye, eye.rstrip(";"), "boss", "of it all")
    ask(wye, "SELECT 1", "eye", "sees")
