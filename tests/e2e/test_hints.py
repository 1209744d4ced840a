"""What a client asks of the route in a comment or a variable: wishes that move reads and never a write."""

import collections

import pytest

from endpoint import wait_until

WHERE = "SELECT name FROM whoami"
# Longer than any test, on any server.
LONG = ("SELECT %s COUNT(*) FROM hinted a, hinted b, hinted c, hinted d, hinted e, hinted f, hinted g"
        " WHERE CONCAT(a.v, b.v, c.v) <> CONCAT(d.v, e.v, f.v, g.v)")


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "reads_on_primary=always"]


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.hinted (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100))")
        root.run("INSERT INTO app.hinted (v) VALUES " + ", ".join("('row')" for _ in range(100)))
    cluster.wait_caught_up()


@pytest.fixture
def session(wye):
    with wye.session() as one:
        yield one


def where(session, hint, times=12):
    return collections.Counter(session.value("SELECT /* %s */ name FROM whoami" % hint) for _ in range(times))


def counted(wye, column):
    return sum(int(row[column]) for row in wye.console("SELECT %s FROM stats_workers" % column))


def reasons(wye):
    return {row["reason"] for row in wye.console("SELECT reason FROM stats_routes")}


@pytest.mark.parametrize("hint", ["wye: primary", "FORCE_MASTER", "maxscale route to master", "@writer"])
def test_a_primary_hint_always_holds(wye, session, hint):
    assert set(where(session, hint)) == {"primary"}
    assert {session.value(WHERE + " -- " + hint) for _ in range(6)} == {"primary"}
    assert "hint-primary" in reasons(wye)


def test_a_replica_hint_keeps_reads_off_the_primary(wye, session):
    # As often as a session may stay on one server, and more.
    assert "primary" in {session.value(WHERE) for _ in range(1000)}
    assert set(where(session, "wye: replica", 1000)) == {"replica1", "replica2"}
    assert "hint-replica" in reasons(wye)


def test_a_named_server_gets_the_read(wye, session, cluster):
    for server in cluster.servers:
        assert set(where(session, "wye: server=" + server.address, 4)) == {server.name}
        # What differs from server to server may be asked of each.
        port = session.value("SELECT /* wye: server=%s */ @@port" % server.address)
        assert int(port) == server.port
    assert "hint-server" in reasons(wye)


def test_a_server_that_is_not_there_is_no_error_and_is_counted(wye, session, cluster):
    before = counted(wye, "hints_ignored")
    assert session.value("/* wye: server=nowhere:1 */ " + WHERE) in {server.name for server in cluster.servers}
    assert session.value("/* wye: server=nowhere:1 */ SELECT @@port") == cluster.primary.port
    session.value("/* wye: colour=red */ SELECT 1")
    assert counted(wye, "hints_ignored") == before + 3


def test_no_hint_moves_a_write_or_a_transaction(session, cluster):
    replica = cluster.replicas[0].address
    for hint in ("wye: replica", "wye: server=" + replica):
        session.run("/* %s */ INSERT INTO hinted (v) VALUES ('x')" % hint)
        session.run("/* %s */ SELECT * FROM hinted LIMIT 1 FOR UPDATE" % hint)
        session.run("BEGIN")
        session.run("INSERT INTO hinted (v) VALUES ('y')")
        assert set(where(session, hint, 3)) == {"primary"}
        session.run("ROLLBACK")


def test_a_hinted_read_sees_what_its_session_wrote(session, cluster):
    for i in range(30):
        session.run("INSERT INTO hinted (v) VALUES (%s)", [i])
        number = session.connection.insert_id()
        hint = "wye: server=" + cluster.replicas[i % 2].address if i % 3 else "wye: replica"
        assert session.value("SELECT /* " + hint + " */ v FROM hinted WHERE id = %s", [number]) == str(i)


def test_a_read_only_transaction_may_be_asked_for_by_server(session, cluster):
    for server in cluster.servers:
        session.run("START TRANSACTION READ ONLY /* wye: server=%s */" % server.address)
        assert session.value(WHERE) == server.name
        session.run("COMMIT")


def test_variables_of_the_session_hold_until_they_are_taken_back(session):
    session.run("SET @wye_route = 'primary'")
    assert {session.value(WHERE) for _ in range(8)} == {"primary"}
    # The statement's own word counts more.
    assert set(where(session, "wye: replica", 6)) <= {"replica1", "replica2"}
    session.run("SET @wye_route = NULL")
    wait_until(lambda: session.value(WHERE) != "primary", "a read on a replica")
    session.run("SET @wye_route = 'replica', @wye_timeout = '20s'")
    assert {session.value(WHERE) for _ in range(12)} <= {"replica1", "replica2"}


def test_a_statement_is_stopped_after_its_timeout(wye, session, flavor):
    number = 1969 if flavor == "mariadb" else 3024
    before = counted(wye, "timeouts")
    for hint in ("/* wye: timeout=200ms */", "/* wye: primary, timeout=0.2 */", "/* ;query_timeout=200 */"):
        assert session.error(LONG % hint) == number
        assert session.value(WHERE)
    session.run("BEGIN")
    session.run("INSERT INTO hinted (v) VALUES ('stays')")
    assert session.error(LONG % "/* wye: timeout=200ms */") == number
    session.run("COMMIT")
    assert session.value("SELECT COUNT(*) FROM hinted WHERE v = 'stays'") == 1
    assert counted(wye, "timeouts") == before + 4


def test_what_ends_in_time_is_not_stopped(session):
    for _ in range(20):
        assert session.value("SELECT /* wye: timeout=30s */ 1") == 1
