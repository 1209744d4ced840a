"""What a replica refuses, the primary answers in its place; and it is remembered."""

import pytest

from endpoint import wait_until

WHO = "(SELECT name FROM app.whoami LIMIT 1)"


@pytest.fixture(scope="module", autouse=True)
def objects(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.taught (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(20))")
        root.run("DROP FUNCTION IF EXISTS app.hidden_write")
        root.run("CREATE FUNCTION app.hidden_write() RETURNS VARCHAR(20) MODIFIES SQL DATA"
                 " BEGIN INSERT INTO app.taught (v) VALUES ('view'); RETURN " + WHO + "; END")
        # The monitor's account may not see the queries of views.
        root.run("CREATE OR REPLACE VIEW app.v_hidden AS SELECT app.hidden_write() AS name")
    cluster.wait_caught_up()


@pytest.fixture
def session(wye):
    with wye.session() as one:
        yield one


def healed(wye):
    return sum(row["healed"] for row in wye.console("SELECT healed FROM stats_workers"))


def learned(wye, like):
    return wye.console("SELECT * FROM stats_learned WHERE text LIKE '%%%s%%'" % like)


def test_a_view_that_writes_is_refused_once(wye, session, cluster):
    before = healed(wye)
    for i in range(5):
        assert session.value("SELECT name FROM v_hidden WHERE %d = %d" % (i, i)) == "primary"
        # Its write is seen by the session that made it.
        assert session.value("SELECT COUNT(*) FROM taught") == i + 1
    assert healed(wye) == before + 1
    with wye.session() as other:
        assert other.value("SELECT name FROM v_hidden WHERE 7 = 7") == "primary"
    assert healed(wye) == before + 1
    row, = learned(wye, "v_hidden")
    assert row["kind"] == "read-only" and row["code"] in (1290, 1792) and row["healed"] == 1 and row["hits"] == 5
    assert row["schema"] == "app" and row["text"] == "SELECT name FROM v_hidden WHERE ? = ?"
    assert "learned" in {row["reason"] for row in wye.console("SELECT reason FROM stats_routes")}
    # Functions or views may be others now: it is tried anew.
    session.run("CREATE OR REPLACE VIEW v_hidden AS SELECT name FROM whoami")
    wait_until(lambda: learned(wye, "v_hidden") == [], "what was learned to be forgotten")
    wait_until(lambda: session.value("SELECT name FROM v_hidden WHERE 8 = 8") != "primary", "a read on a replica")


def test_a_table_that_a_replica_does_not_know_yet(wye, session, hurt):
    for name in ("replica1", "replica2"):
        hurt.stop_sql(name)
    with hurt.witness.root(hurt.primary) as root:
        root.run("CREATE TABLE app.newborn (a INT)")
        root.run("INSERT INTO app.newborn VALUES (1)")
    before = healed(wye)
    assert session.value("SELECT a FROM newborn") == 1
    assert session.value("SELECT a FROM newborn") == 1
    assert healed(wye) - before <= 1
    # What nobody knows is an error, and nothing is learned of it.
    assert session.error("SELECT a FROM unborn") == 1146
    assert learned(wye, "unborn") == []
    with hurt.witness.root(hurt.primary) as root:
        root.run("DROP TABLE app.newborn")
