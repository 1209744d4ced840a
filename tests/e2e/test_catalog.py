"""Stored functions and views: what is known to read runs on the replicas, all else on the primary."""

import pytest

from endpoint import wait_until

REPLICAS = {"replica1", "replica2"}
WHO = "(SELECT name FROM app.whoami LIMIT 1)"


@pytest.fixture(scope="module", autouse=True)
def objects(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.called (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20))")
        for name in ("reading", "plain", "calls_plain", "writes", "lies", "assigns", "altered_fn", "gone"):
            root.run("DROP FUNCTION IF EXISTS app." + name)
        root.run("CREATE FUNCTION app.reading() RETURNS VARCHAR(20) READS SQL DATA RETURN " + WHO)
        # Nothing is declared; the body shows what it does.
        root.run("CREATE FUNCTION app.plain(a INT) RETURNS VARCHAR(20) DETERMINISTIC BEGIN DECLARE n VARCHAR(20);"
                 " DECLARE i INT DEFAULT 0; WHILE i < a DO SET i = i + 1; END WHILE;"
                 " SELECT name INTO n FROM app.whoami LIMIT 1; RETURN CONCAT(n, ''); END")
        root.run("CREATE FUNCTION app.calls_plain() RETURNS VARCHAR(20) RETURN app.plain(2)")
        root.run("CREATE FUNCTION app.writes() RETURNS VARCHAR(20) MODIFIES SQL DATA"
                 " BEGIN INSERT INTO app.called (v) VALUES ('w'); RETURN " + WHO + "; END")
        root.run("CREATE FUNCTION app.lies() RETURNS VARCHAR(20) READS SQL DATA"
                 " BEGIN INSERT INTO app.called (v) VALUES ('l'); RETURN " + WHO + "; END")
        root.run("CREATE FUNCTION app.assigns() RETURNS VARCHAR(20) NO SQL BEGIN SET @set_by_it = 1; RETURN " + WHO + "; END")
        root.run("CREATE OR REPLACE VIEW app.v_reads AS SELECT app.reading() AS name")
        root.run("CREATE OR REPLACE VIEW app.v_writes AS SELECT app.writes() AS name")
    cluster.wait_caught_up()


@pytest.fixture
def session(wye, wye_knows):
    with wye.session() as one:
        yield one


@pytest.fixture
def wye_knows(wye):
    """The functions are loaded after the servers are there."""
    wait_until(lambda: wye.console("EXPLAIN ROUTE SELECT app.calls_plain()")[0]["route"] == "replica",
               "wye to know the functions")


def names(session, statement, times=8):
    return {session.value(statement) for _ in range(times)}


@pytest.mark.parametrize("call", ["app.reading()", "reading()", "`app`.`READING` ()", "app.plain(3)", "calls_plain()"])
def test_functions_that_read_run_on_the_replicas(session, call):
    assert names(session, "SELECT " + call) <= REPLICAS


@pytest.mark.parametrize("call", ["writes()", "lies()", "assigns()", "app.writes()"])
def test_functions_that_may_do_more_run_on_the_primary(session, wye, call):
    healed = sum(row["healed"] for row in wye.console("SELECT healed FROM stats_workers"))
    assert names(session, "SELECT " + call, 3) == {"primary"}
    assert sum(row["healed"] for row in wye.console("SELECT healed FROM stats_workers")) == healed


def test_views_run_where_their_functions_may(session):
    assert names(session, "SELECT name FROM v_reads") <= REPLICAS
    assert names(session, "SELECT name FROM v_writes", 3) == {"primary"}


def test_a_function_is_known_at_once_after_it_was_changed(wye, session):
    def value(statement):
        with wye.session() as one:
            return one.value(statement)
    session.run("CREATE FUNCTION altered_fn() RETURNS VARCHAR(20) READS SQL DATA RETURN " + WHO)
    wait_until(lambda: value("SELECT altered_fn()") in REPLICAS, "the new function to run on a replica")
    for _ in range(5):
        session.run("DROP FUNCTION altered_fn")
        session.run("CREATE FUNCTION altered_fn() RETURNS VARCHAR(20) MODIFIES SQL DATA"
                    " BEGIN INSERT INTO called (v) VALUES ('c'); RETURN " + WHO + "; END")
        assert value("SELECT altered_fn()") == session.value("SELECT altered_fn()") == "primary"
        session.run("DROP FUNCTION altered_fn")
        session.run("CREATE FUNCTION altered_fn() RETURNS VARCHAR(20) READS SQL DATA RETURN " + WHO)
        assert session.value("SELECT altered_fn()") in REPLICAS | {"primary"}
    assert session.value("SELECT COUNT(*) FROM called WHERE v = 'c'") == 10
    session.run("DROP FUNCTION altered_fn")
    assert session.error("SELECT altered_fn()") == 1305
