"""What new connections begin with (accounts, rights, global variables) holds for new sessions at once, not for old ones."""

import contextlib

import pymysql
import pytest


@pytest.fixture
def admin(endpoint):
    with endpoint.session("admin") as session:
        yield session


@contextlib.contextmanager
def account(admin, name):
    admin.run("DROP USER IF EXISTS %s@'%%'" % name)
    admin.run("CREATE USER %s@'%%' IDENTIFIED BY '%s'" % (name, name))
    try:
        yield
    finally:
        admin.run("DROP USER %s@'%%'" % name)


def test_a_dropped_account_and_a_changed_password_are_refused_at_once(endpoint, admin):
    with account(admin, "shortlived"):
        for password in ("one", "two", "three"):
            admin.run("ALTER USER shortlived@'%%' IDENTIFIED BY '%s'" % password)
            endpoint.connect("shortlived", password, database=None).close()
            with pytest.raises(pymysql.OperationalError, match="1045"):
                endpoint.connect("shortlived", "zero", database=None)
    with pytest.raises(pymysql.OperationalError, match="1045"):
        endpoint.connect("shortlived", "three", database=None)


def test_a_replica_that_does_not_know_yet_lets_nobody_in_who_was_dropped(cluster, wye, admin):
    with contextlib.ExitStack() as behind, cluster.witness.root(cluster.primary) as root:
        for replica in cluster.replicas:
            cluster.stop_sql(replica)
            behind.callback(cluster.start_sql, replica)
        for turn in range(8):
            name = "gone%d" % turn
            with account(admin, name):
                wye.connect(name, name, database=None).close()
                # The primary is about to be asked who there is, and cannot be at first.
                for (number,) in root.rows("SELECT id FROM information_schema.processlist WHERE user = 'monitor'"):
                    with contextlib.suppress(pymysql.OperationalError):  # it has gone itself
                        root.run("KILL %d" % number)
            with pytest.raises(pymysql.OperationalError, match="1045"):
                wye.connect(name, name, database=None)
    cluster.wait_caught_up()


def test_an_account_that_no_replica_knows_yet_is_served_by_the_primary(cluster, wye, admin):
    with contextlib.ExitStack() as behind:
        for replica in cluster.replicas:
            cluster.stop_sql(replica)
            behind.callback(cluster.start_sql, replica)
        with account(admin, "early"):
            admin.run("GRANT SELECT ON app.* TO early@'%'")
            for _ in range(3):
                with wye.session("early") as session:
                    for _ in range(3):
                        assert session.value("SELECT COUNT(*) FROM whoami") == 1
    cluster.wait_caught_up()


def test_a_right_granted_on_a_schema_is_had_by_the_next_session(endpoint, admin):
    admin.run("CREATE TABLE IF NOT EXISTS app2.granted (a INT)")
    with account(admin, "grantee"):
        admin.run("GRANT SELECT ON app2.* TO grantee@'%'")
        with endpoint.session("grantee", database="app2") as before:
            with pytest.raises(pymysql.OperationalError, match="1142"):
                before.run("DROP TABLE granted")
        admin.run("GRANT DROP ON app2.* TO grantee@'%'")
        with endpoint.session("grantee", database="app2") as after:
            after.run("DROP TABLE granted")


def test_a_global_variable_is_the_next_sessions_own(endpoint, admin):
    before = admin.value("SELECT @@global.lock_wait_timeout")
    try:
        for seconds in (101, 102, 103):
            admin.run("SET GLOBAL lock_wait_timeout = %d" % seconds)
            assert admin.value("SELECT @@session.lock_wait_timeout FROM app.whoami FOR UPDATE") == before
            with endpoint.session() as new:
                # Locking, so that the primary answers: the variable was set on no other server.
                assert new.value("SELECT @@session.lock_wait_timeout FROM app.whoami FOR UPDATE") == seconds
    finally:
        admin.run("SET GLOBAL lock_wait_timeout = %d" % before)


def test_a_session_that_begins_sees_nothing_of_others(endpoint):
    for _ in range(4):
        with endpoint.session() as one:
            one.run("SELECT CAST('x' AS SIGNED)")
        with endpoint.session() as other:
            assert other.rows("SHOW WARNINGS") == []


def test_a_failed_change_of_user_leaves_mariadbs_session_as_it_was(endpoint, flavor):
    mysqldb = pytest.importorskip("MySQLdb")
    connection = mysqldb.connect(host=endpoint.host, port=endpoint.port, user="app", passwd="app", db="app")
    try:
        with pytest.raises(mysqldb.OperationalError, match="1045"):
            connection.change_user("app", "wrong", "app")
        if flavor == "mariadb":
            connection.query("SELECT CURRENT_USER()")
            assert connection.store_result().fetch_row()[0][0] in ("app@%", b"app@%")
        else:
            with pytest.raises(mysqldb.OperationalError):
                connection.query("SELECT 1")
    finally:
        connection.close()
