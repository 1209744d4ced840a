"""KILL QUERY from a second connection ends a statement on whichever server it runs, by every name the connection has."""

import contextlib
import threading
import time

import pymysql
import pytest
from endpoint import wait_until

SLEEPS = {
    "a replica": "SELECT name, SLEEP(60) FROM whoami",
    "the primary": "SELECT name, SLEEP(60) FROM whoami FOR UPDATE",
}




class Sleeper(threading.Thread):
    """A session that sleeps in a statement, and what became of it."""

    def __init__(self, session, statement):
        super().__init__(daemon=True)
        self.session, self.statement, self.outcome = session, statement, None

    def run(self):
        try:
            self.outcome = self.session.rows(self.statement)
        except pymysql.MySQLError as error:
            self.outcome = error.args[0]


def is_running(cluster, statement):
    for server in cluster.servers:
        with cluster.witness.root(server) as root:
            if root.value("SELECT COUNT(*) FROM information_schema.processlist WHERE info = %s", [statement]):
                return True
    return False


@pytest.mark.parametrize("where", SLEEPS)
@pytest.mark.parametrize("name", ["the greeting's", "CONNECTION_ID()'s"])
def test_kill_query_ends_a_sleep(endpoint, cluster, where, name):
    with endpoint.session() as sleeping, endpoint.session() as other:
        number = sleeping.connection.thread_id() if name == "the greeting's" else sleeping.value("SELECT CONNECTION_ID()")
        sleeper = Sleeper(sleeping, SLEEPS[where])
        sleeper.start()
        wait_until(lambda: is_running(cluster, SLEEPS[where]), "the statement to run")
        began = time.monotonic()
        other.run("KILL QUERY %d" % number)
        sleeper.join(30)
        took = time.monotonic() - began
        # MySQL's SLEEP() gives 1 when it is interrupted, MariaDB's an error; sixty seconds it is not.
        assert sleeper.outcome is not None and took < 30
        assert sleeper.outcome == 1317 or sleeper.outcome[0][1] == 1, sleeper.outcome
        # The session lives on, and so does the next statement of whoever has the connection next.
        for session in (sleeping, other) * 3:
            assert session.value("SELECT 'alive'") == "alive"


def test_kill_of_a_connection_ends_its_session(endpoint, cluster):
    with endpoint.session() as killed, endpoint.session() as other:
        killed.run("BEGIN")
        other.run("KILL %d" % killed.connection.thread_id())
        with pytest.raises(pymysql.MySQLError):
            killed.value("SELECT 1")
        assert other.error("KILL %d" % killed.connection.thread_id()) == 1094
        assert other.error("KILL QUERY 4294967290") == 1094


def test_the_console_ends_a_statement_and_a_session(wye, cluster):
    with wye.session() as session:
        number = session.value("SELECT CONNECTION_ID()")
        sleeper = Sleeper(session, SLEEPS["a replica"])
        sleeper.start()
        wait_until(lambda: is_running(cluster, SLEEPS["a replica"]), "the statement to run")
        wye.console("KILL QUERY %d" % number)
        sleeper.join(30)
        assert sleeper.outcome == 1317 or sleeper.outcome[0][1] == 1, sleeper.outcome
        assert session.value("SELECT 'alive'") == "alive"
        wye.console("KILL %d" % number)
        with pytest.raises(pymysql.MySQLError):
            wait_until(lambda: session.value("SELECT 'dead'") != "dead", "the session to end")


def test_only_who_has_the_right_kills_what_is_another_accounts(endpoint, cluster, flavor):
    with cluster.witness.root(cluster.primary) as root:
        right = "CONNECTION ADMIN" if flavor == "mariadb" else "CONNECTION_ADMIN, SYSTEM_USER"
        for name in ("may_kill", "may_not"):
            root.run("DROP USER IF EXISTS %s" % name)
            root.run("CREATE USER %s IDENTIFIED BY 'pw'" % name)
        root.run("GRANT %s ON *.* TO may_kill" % right)
    cluster.wait_caught_up()
    try:
        with endpoint.session() as killed:
            number = killed.connection.thread_id()
            with endpoint.session(user="may_not", password="pw", database=None) as other:
                assert other.error("KILL %d" % number) == 1095
                assert other.error("KILL QUERY %d" % number) == 1095
                assert other.value("SELECT 'alive'") == "alive"
            assert killed.value("SELECT 'alive'") == "alive"
            with endpoint.session(user="may_kill", password="pw", database=None) as other:
                other.run("KILL QUERY %d" % number)
                assert killed.value("SELECT 'alive'") == "alive"
                other.run("KILL %d" % number)
                assert other.error("KILL %d" % number) == 1094
            with pytest.raises(pymysql.MySQLError):
                killed.value("SELECT 'dead'")
    finally:
        with cluster.witness.root(cluster.primary) as root:
            for name in ("may_kill", "may_not"):
                root.run("DROP USER %s" % name)


def test_kill_user_ends_the_sessions_of_an_account(endpoint, cluster, flavor):
    if flavor != "mariadb":
        return  # which alone has it
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE OR REPLACE USER to_be_killed IDENTIFIED BY 'pw'")
    cluster.wait_caught_up()
    try:
        with endpoint.session(user="to_be_killed", password="pw", database=None) as idle, endpoint.session() as other:
            assert idle.value("SELECT 'alive'") == "alive"
            with contextlib.suppress(pymysql.MySQLError):  # none where the primary has no connection of that account
                other.run("KILL USER to_be_killed")
            assert idle.value("SELECT 'alive'") == "alive"
            with cluster.witness.root(cluster.primary) as root:
                root.run("CREATE OR REPLACE USER may_kill IDENTIFIED BY 'pw'")
                root.run("GRANT CONNECTION ADMIN ON *.* TO may_kill")
            cluster.wait_caught_up()
            with endpoint.session(user="may_kill", password="pw", database=None) as killer:
                killer.run("KILL USER to_be_killed@nowhere")
                assert idle.value("SELECT 'alive'") == "alive"
                killer.run("KILL CONNECTION USER to_be_killed")
                with pytest.raises(pymysql.MySQLError):
                    wait_until(lambda: idle.value("SELECT 'dead'") != "dead", "the session to end")
                assert killer.value("SELECT 'alive'") == "alive"
    finally:
        with cluster.witness.root(cluster.primary) as root:
            root.run("DROP USER IF EXISTS to_be_killed, may_kill")
