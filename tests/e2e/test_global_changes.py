"""What is changed on the primary alone, a global variable, is seen by who changed it; a read-only primary stays one."""

import pymysql
import pytest

from endpoint import wait_until

WHO = "SELECT name FROM app.whoami"


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "monitor_interval=100ms"]


@pytest.fixture
def admin(endpoint):
    with endpoint.session("admin") as session:
        yield session


@pytest.fixture
def changed(admin):
    before = admin.value("SELECT @@global.lock_wait_timeout")
    admin.run("SET GLOBAL lock_wait_timeout = 77")
    yield
    admin.run("SET GLOBAL lock_wait_timeout = %d" % before)


def test_who_changed_a_global_variable_reads_where_it_is(wye, admin, changed):
    assert [admin.value(WHO) for _ in range(4)] == ["primary"] * 4
    with wye.session("admin") as after:
        assert after.value(WHO) == "primary"
        assert after.value("SELECT @@lock_wait_timeout FROM app.whoami") == 77
        assert after.value("SELECT /* wye: replica */ name FROM app.whoami") != "primary"
    with wye.session() as other:
        wait_until(lambda: other.value(WHO) != "primary", "another account's read on a replica")
    assert "global-changed" in {row["reason"] for row in wye.console("SELECT reason FROM stats_routes")}


def test_who_looks_at_counters_reads_where_they_count(wye):
    with wye.session() as session, wye.session() as other:
        wait_until(lambda: session.value(WHO) != "primary", "a read on a replica")
        session.rows("SHOW GLOBAL STATUS LIKE 'Com_select'")
        assert [session.value(WHO) for _ in range(4)] == ["primary"] * 4
        assert session.value("SELECT /* wye: replica */ name FROM app.whoami") != "primary"
        wait_until(lambda: other.value(WHO) != "primary", "another session's read on a replica")
    assert "counters" in {row["reason"] for row in wye.console("SELECT reason FROM stats_routes")}


def test_it_is_so_for_a_while(wye, admin, changed):
    assert admin.value(WHO) == "primary"
    wye.console("SET observe_timeout = 0")
    try:
        wait_until(lambda: admin.value(WHO) != "primary", "a read on a replica")
    finally:
        wye.console("SET observe_timeout = 60s")


def test_a_primary_that_is_read_only_for_a_while_answers_for_itself(wye, admin, cluster):
    def seen(value):
        return wye.servers()[cluster.primary.address]["read_only"] == value

    admin.run("CREATE TABLE IF NOT EXISTS app.kept (a INT)")
    admin.run("SET GLOBAL read_only = 1")
    try:
        wait_until(lambda: seen(1), "wye to see that the primary is read-only")
        with wye.session() as session:
            with pytest.raises(pymysql.err.OperationalError, match="1290"):
                session.run("INSERT INTO app.kept VALUES (1)")
            assert session.error("START TRANSACTION READ WRITE") == 1290
            assert session.value("SELECT @@global.read_only") == 1
            assert session.value("SELECT @@server_id") == admin.value("SELECT @@server_id")
            assert session.value("SELECT COUNT(*) FROM app.kept") == 0
    finally:
        admin.run("SET GLOBAL read_only = 0")
    wait_until(lambda: seen(0), "wye to see that it may be written again")
    with wye.session() as session:
        session.run("INSERT INTO app.kept VALUES (1)")
        assert session.value("SELECT COUNT(*) FROM app.kept") == 1
    admin.run("DROP TABLE app.kept")
