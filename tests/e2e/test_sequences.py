"""What a session has taken from a sequence, LASTVAL() tells it, and nobody else."""

import pytest

from conftest import start_wye
from endpoint import Endpoint, wait_until

pytestmark = [pytest.mark.flavor("mariadb"), pytest.mark.usefixtures("wye_binary")]

RESET = 0x1F


@pytest.fixture(scope="module", autouse=True)
def sequences(cluster):
    with cluster.witness.root(cluster.primary) as root:
        for statement in ("CREATE OR REPLACE SEQUENCE app.seq", "CREATE OR REPLACE SEQUENCE app.other START WITH 1000",
                          "CREATE OR REPLACE TABLE app.numbered (id INT DEFAULT NEXTVAL(app.seq), v INT)"):
            root.run(statement)
        yield
        for statement in ("DROP TABLE app.numbered", "DROP SEQUENCE app.seq, app.other"):
            root.run(statement)
    cluster.wait_caught_up()


@pytest.fixture
def began(cluster, tmp_path):
    """A wye through which nobody has asked for a LASTVAL() yet: its sessions have few connections to share."""
    wye = start_wye(cluster, tmp_path, "--threads", "1", "--set", "user_max_connections=2")
    wye.wait_pool(cluster.replicas)
    yield wye
    wye.finish()
    wye.kill()


def sessions_of(wye, count):
    endpoint = Endpoint(wye.host, wye.port, wye.socket)
    return [endpoint.session() for _ in range(count)]


def pins_of(wye, session):
    own = session.value("SELECT CONNECTION_ID()")
    return wye.console("SELECT pins FROM stats_sessions WHERE id = %d" % own)[0]["pins"]


def test_another_session_never_sees_it(began):
    one, other = sessions_of(began, 2)
    with one as a, other as b:
        for _ in range(3):
            assert a.value("SELECT NEXTVAL(seq)")
            assert b.value("SELECT NEXTVAL(other)")
        assert pins_of(began, a) is None  # nobody asks for it
        with sessions_of(began, 1)[0] as fresh:
            assert fresh.value("SELECT LASTVAL(seq)") is None
            assert fresh.value("SELECT PREVIOUS VALUE FOR other") is None
            fresh.run("BEGIN")
            assert fresh.value("SELECT LASTVAL(seq)") is None
            fresh.run("COMMIT")


def test_the_first_question_of_all_is_answered(began):
    one, other = sessions_of(began, 2)
    with one as a, other as b:
        b.value("SELECT NEXTVAL(seq)")
        taken = a.value("SELECT NEXTVAL(seq)")
        assert a.value("SELECT LASTVAL(seq)") == taken
        assert b.value("SELECT LASTVAL(other)") is None


def test_a_session_that_is_tied_where_another_has_taken_one_is_refused_at_the_first_question_of_all(cluster, tmp_path):
    wye = start_wye(cluster, tmp_path, "--threads", "1", "--set", "user_max_connections=1")
    try:
        one, other = sessions_of(wye, 2)
        with one as a, other as b:
            a.value("SELECT NEXTVAL(seq)")
            b.run("BEGIN")
            b.value("SELECT id FROM numbered LIMIT 1 FOR UPDATE")
            assert b.error("SELECT LASTVAL(seq)") == 1148
            b.run("COMMIT")
            b.run("BEGIN")
            assert b.value("SELECT LASTVAL(seq)") is None
            b.run("COMMIT")
        wye.finish()
    finally:
        wye.kill()


def test_who_has_asked_is_tied_by_what_it_takes(began):
    one, other = sessions_of(began, 2)
    with one as a, other as b:
        assert a.value("SELECT LASTVAL(seq)") is None
        assert pins_of(began, a) is None
        taken = a.value("SELECT NEXT VALUE FOR seq")
        assert pins_of(began, a) == "sequence"
        for _ in range(3):
            assert b.value("SELECT NEXTVAL(other)") and b.value("SELECT LASTVAL(seq)") is None
        assert a.value("SELECT LASTVAL(seq)") == taken
        a.run("INSERT INTO numbered (v) VALUES (1)")
        assert a.value("SELECT LASTVAL(seq)") == taken + 1
        assert a.value("SELECT SETVAL(seq, 100000)") and a.value("SELECT LASTVAL(seq)") == taken + 1
        a.run("PREPARE p FROM 'SELECT LASTVAL(seq)'")
        assert a.value("EXECUTE p") == taken + 1
        a.connection._execute_command(RESET, b"")
        a.connection._read_ok_packet()
        assert a.value("SELECT LASTVAL(seq)") is None
        assert pins_of(began, a) is None


@pytest.fixture
def function(cluster, sequences):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE FUNCTION app.last_seq() RETURNS INT RETURN LASTVAL(app.seq)")
        yield
        root.run("DROP FUNCTION app.last_seq")


def test_a_function_that_asks_for_it_is_as_good_as_a_question(cluster, function, tmp_path):
    wye = start_wye(cluster, tmp_path, "--threads", "1", "--set", "user_max_connections=1")
    try:
        one, other = sessions_of(wye, 2)
        with one as a:
            wait_until(lambda: a.value("SELECT NEXTVAL(seq)") and pins_of(wye, a) == "sequence", "the function to be known")
            assert a.value("SELECT last_seq()")
        with other as b:  # on the connection that the first one has left
            assert b.value("SELECT last_seq()") is None
        wye.finish()
    finally:
        wye.kill()
