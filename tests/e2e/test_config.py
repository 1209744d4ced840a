"""The configuration as people change it: with SQL on the console, at once in force, durable, all or nothing."""

import itertools
import os
import random
import shutil
import sqlite3
import subprocess
import threading

import pymysql
import pytest

from endpoint import wait_until
from wye_process import Wye

ROUNDS = int(os.environ.get("WYE_ROUNDS", "12"))


def console(wye, **options):
    return pymysql.connect(host="127.0.0.1", port=wye.admin_port, user="admin", connect_timeout=30, read_timeout=60,
                           **options)


def run(connection, *statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()


@pytest.fixture
def own(cluster, tmp_path, wyes):
    """Starts a wye of the test's own, with a configuration file."""
    def start(*arguments, file="wye.db", pool=True):
        return wyes("--config", str(tmp_path / file), *arguments, cluster.monitor_url(),
                    replicas=cluster.replicas if pool else ())
    return start


def setting(wye, name):
    return wye.console("SELECT value FROM settings WHERE name = '%s'" % name)[0]["value"]


def test_what_was_set_is_there_after_a_restart(own):
    first = own("--set", "queue_timeout=7s")
    first.console("SET max_lag = 3s, causal_timeout = '250ms'")
    first.console("UPDATE settings SET value = '4' WHERE name = 'threads'")
    assert [row["source"] for row in first.console("SELECT source FROM settings WHERE name = 'queue_timeout'")] == \
        ["command line"]
    first.finish()
    second = own()
    assert [setting(second, name) for name in ("max_lag", "causal_timeout", "threads", "queue_timeout")] == \
        ["3s", "250ms", "4", "10s"]
    assert len(second.console("SELECT * FROM stats_workers")) == 4
    assert [row["change"] for row in second.console("SHOW CONFIG HISTORY")] == \
        ["threads = 4", "max_lag = 3s, causal_timeout = 250ms"]


def test_a_server_is_added_and_changed_while_wye_runs(own, cluster):
    replica = cluster.server("replica2")
    word = "SLAVE" if cluster.flavor == "mariadb" else "REPLICA"
    with cluster.witness.root(replica) as root:
        try:
            root.run("STOP %s IO_THREAD" % word)
            wait_until(lambda: not listed(cluster, replica), "the primary to have forgotten the replica")
            wye = own(pool=False)
            assert replica.address not in wye.servers()
            wye.console("INSERT INTO servers (server, weight, comment) VALUES ('%s', 3, 'the new one')" % replica.address)
            wait_until(lambda: wye.servers().get(replica.address, {}).get("state") == "stopped", "the new one")
            root.run("START %s IO_THREAD" % word)
            wait_until(lambda: wye.takes_reads(replica), "the new one to serve reads")
            assert wye.servers()[replica.address]["weight"] == 3
            wye.console("UPDATE servers SET weight = 5 WHERE comment = 'the new one'")
            wait_until(lambda: wye.servers()[replica.address]["weight"] == 5, "its new weight")
            wait_until(lambda: listed(cluster, replica), "the primary to know the replica again")
            wye.console("DELETE FROM servers WHERE server = '%s'" % replica.address)
            wait_until(lambda: wye.servers().get(replica.address, {}).get("weight") == 1, "it to be a member like any other")
            wait_until(lambda: wye.takes_reads(replica), "it to serve reads all the same")
        finally:
            root.run("START %s IO_THREAD" % word)
            cluster.wait_caught_up()


def listed(cluster, replica):
    """Whether the primary knows of the replica; it notices that one has gone when it has something to send."""
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP TABLE IF EXISTS app.never_there")
        hosts = root.rows("SHOW SLAVE HOSTS" if cluster.flavor == "mariadb" else "SHOW REPLICAS")
    return any(int(row[2]) == replica.port for row in hosts)


def test_a_server_that_nobody_tells_of_goes_with_its_row(own, cluster):
    wye = own()
    known = set(wye.servers())
    wye.console("INSERT INTO servers (server) VALUES ('127.0.0.1:9')")
    wait_until(lambda: wye.servers().get("127.0.0.1:9", {}).get("state") == "down", "it to be found dead")
    with wye.session() as session:
        session.value("SELECT 1")
        wye.console("DELETE FROM servers WHERE server = '127.0.0.1:9'")
        wait_until(lambda: set(wye.servers()) == known, "it to be gone")
        session.value("SELECT 1")
    wye.console("INSERT INTO servers (server) VALUES ('127.0.0.1:9')")
    wait_until(lambda: "127.0.0.1:9" in wye.servers(), "it to be back")


def test_drivers_transactions_are_transactions(own):
    wye = own()
    with console(wye) as writer:  # autocommit is off, as drivers have it
        run(writer, "UPDATE settings SET value = '3s' WHERE name = 'max_lag'",
            "INSERT INTO users (name, password) VALUES ('by_hand', 'secret')")
        assert setting(wye, "max_lag") == "10s"
        with console(wye, autocommit=True) as other, pytest.raises(pymysql.err.OperationalError, match="another connection"):
            run(other, "SET max_lag = 4s")
        writer.rollback()
        assert run(writer, "SELECT COUNT(*) FROM users WHERE name = 'by_hand'") == ((0,),)
        with writer.cursor() as cursor:
            assert cursor.execute("UPDATE settings SET value = %s WHERE name IN ('max_lag', 'queue_timeout')", "6s") == 2
        writer.commit()
    assert [setting(wye, "max_lag"), setting(wye, "queue_timeout")] == ["6s", "6s"]
    with console(wye) as lost:
        run(lost, "SET max_lag = 9s")
    wait_until(lambda: not wye.console("SET queue_timeout = 5s"), "the other's change to be taken back")
    assert [setting(wye, "max_lag"), setting(wye, "queue_timeout")] == ["6s", "5s"]


def test_an_account_given_on_the_console_logs_in(own, cluster):
    with cluster.witness.root(cluster.primary) as root:
        for statement in ("DROP USER IF EXISTS by_hand", "CREATE USER by_hand IDENTIFIED BY 'secret'",
                          "GRANT ALL ON app.* TO by_hand"):
            root.run(statement)
    cluster.wait_caught_up()
    wye = own()
    wye.console("INSERT INTO users (name, password) VALUES ('by_hand', 'other')")

    def logs_in(password):
        try:
            with wye.session(user="by_hand", password=password, tls=cluster.flavor == "mysql") as session:
                return session.value("SELECT 1") == 1
        except pymysql.err.OperationalError as error:
            assert error.args[0] == 1045
            return False

    wait_until(lambda: not logs_in("secret"), "the row to come before the primary's account")
    wye.console("UPDATE users SET password = 'secret' WHERE name = 'by_hand'")
    wait_until(lambda: logs_in("secret"), "the right password to be known")


def test_the_export_is_accepted_by_a_client_and_as_a_file(own, tmp_path):
    wye = own()
    wye.console("SET max_lag = 3s, server_version = '8.0.36-it''s \\\\ mine'")
    exported = "\n".join(row["statement"] for row in wye.console("EXPORT CONFIG")) + "\n"
    wye.console("ROLLBACK CONFIG TO 1")
    wye.console("SET max_lag = 20s")
    done = subprocess.run([shutil.which("mariadb"), "--no-defaults", "--host=127.0.0.1", "--port=%d" % wye.admin_port],
                          input=exported, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    assert [setting(wye, name) for name in ("max_lag", "server_version")] == ["3s", "8.0.36-it's \\ mine"]
    (tmp_path / "owned.sql").write_text(exported)
    owned = own(file="owned.sql")
    assert [setting(owned, name) for name in ("max_lag", "server_version")] == ["3s", "8.0.36-it's \\ mine"]
    with pytest.raises(pymysql.err.OperationalError, match="owned by .*owned.sql: change it there, then RELOAD"):
        owned.console("SET max_lag = 5s")
    (tmp_path / "owned.sql").write_text("INSERT INTO settings VALUES ('max_lag', '5s');")
    owned.console("RELOAD")
    assert setting(owned, "max_lag") == "5s"
    (tmp_path / "owned.sql").write_text("INSERT INTO settings VALUES ('max_leg', '5s');")
    with pytest.raises(pymysql.err.OperationalError, match="did you mean 'max_lag'"):
        owned.console("RELOAD")
    assert setting(owned, "max_lag") == "5s"


class Writer(threading.Thread):
    """Changes two tables together, again and again, until its console is gone."""

    def __init__(self, wye, numbers):
        super().__init__(daemon=True)
        self.wye, self.numbers, self.tried, self.acknowledged = wye, numbers, None, None
        self.start()

    def run(self):
        try:
            with console(self.wye) as connection:
                for n in self.numbers:
                    self.tried = n
                    run(connection, "BEGIN", "UPDATE settings SET value = '%dms' WHERE name = 'max_lag'" % n,
                        "UPDATE settings SET value = '%dms' WHERE name = 'queue_timeout'" % n,
                        "REPLACE INTO users (name, comment) VALUES ('app', '%d')" % n, "COMMIT")
                    self.acknowledged = n
        except (pymysql.err.Error, OSError):
            pass


def stored(path):
    with sqlite3.connect(path) as db:
        settings = dict(db.execute("SELECT name, value FROM settings").fetchall())
        users = db.execute("SELECT comment FROM users").fetchall()
    return settings.get("max_lag"), settings.get("queue_timeout"), users[0][0] if users else None


def test_a_kill_at_any_moment_leaves_the_old_or_the_new(own, tmp_path):
    numbers, chance, before = itertools.count(1001), random.Random(2026), None
    for _ in range(ROUNDS):
        wye = own(pool=False)
        writer = Writer(wye, numbers)
        wait_until(lambda: writer.acknowledged, "the first change")
        writer.join(chance.random() / 50)
        wye.kill()
        writer.join(30)
        lag, queue, comment = stored(tmp_path / "wye.db")
        assert lag == "%sms" % comment and queue == lag
        assert int(comment) in (writer.acknowledged, writer.tried) and comment != before
        before = comment
