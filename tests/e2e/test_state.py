"""A session's state follows it from server to server, ties it to a connection only where it must, and never longer."""

import pymysql
import pytest
from pymysql.constants import FIELD_TYPE

from endpoint import Endpoint
from endpoint import wait_until

WHERE = "SELECT name FROM whoami"


@pytest.fixture(scope="module")
def wye_options():
    # One worker has one pool, so that sessions share connections.
    return ["--threads", "1"]


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.st (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100))")
        root.run("CREATE OR REPLACE VIEW app.st_view AS SELECT v FROM app.st")
        for name in ("p_leaves", "p_plain", "p_mode_fails"):
            root.run("DROP PROCEDURE IF EXISTS app." + name)
        root.run("CREATE PROCEDURE app.p_leaves() BEGIN SET @left = 5; END")
        root.run("CREATE PROCEDURE app.p_plain() BEGIN SELECT 1; END")
        root.run("CREATE PROCEDURE app.p_mode_fails() BEGIN SET SESSION time_zone = '+07:00';"
                 " SIGNAL SQLSTATE '45000'; END")
    cluster.wait_caught_up()


@pytest.fixture
def session(endpoint):
    with endpoint.session() as one:
        yield one


@pytest.fixture
def pins(wye, session):
    """What ties the session now, by name; None: nothing."""
    own = session.value("SELECT CONNECTION_ID()")
    return lambda: wye.console("SELECT pins FROM stats_sessions WHERE id = %d" % own)[0]["pins"]


def replicas(session, count=6):
    """Whether reads run on replicas and nowhere else."""
    return "primary" not in {session.value(WHERE) for _ in range(count)}


def until_on_replicas(session):
    wait_until(lambda: session.value(WHERE) != "primary", "a read to run on a replica")
    assert replicas(session)


# --- system variables ---

@pytest.mark.parametrize("statement", [
    "SET sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')",
    "SET @@sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT')",
    "SET SESSION sql_mode = (SELECT CONCAT(@@sql_mode, ',PIPES_AS_CONCAT'))",
    "SET NAMES utf8mb4, @@session.sql_mode = CONCAT('PIPES_AS_CONCAT', ',', @@global.sql_mode), time_zone = '+03:00'",
])
def test_a_variable_set_to_an_expression_follows_to_every_server(session, pins, statement):
    session.run(statement)
    assert replicas(session)
    assert pins() is None
    assert {session.value("SELECT 'a' || 'b'") for _ in range(4)} == {"ab"}
    session.run("INSERT INTO st (v) VALUES ('c' || 'd')")
    assert session.value("SELECT v FROM st WHERE id = LAST_INSERT_ID()") == "cd"


def test_the_lexer_knows_a_mode_that_was_set_to_an_expression(session):
    session.run("SET @@sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')")
    # Under the mode before, the text would end inside a string.
    assert session.value("SELECT 'a\\' FROM whoami") == "a\\"
    assert replicas(session)


def test_what_mysqldump_does_ends_as_it_began(session, pins):
    before = session.row("SELECT @@sql_mode, @@foreign_key_checks, @@unique_checks, @@time_zone, @@sql_notes")
    session.run("SET @OLD_SQL_MODE = @@SQL_MODE, SQL_MODE = 'NO_AUTO_VALUE_ON_ZERO'")
    session.run("SET @OLD_UNIQUE_CHECKS = @@UNIQUE_CHECKS, UNIQUE_CHECKS = 0")
    session.run("SET @OLD_FOREIGN_KEY_CHECKS = @@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS = 0")
    session.run("SET @OLD_TIME_ZONE = @@TIME_ZONE")
    session.run("SET TIME_ZONE = '+00:00'")
    session.run("SET @OLD_SQL_NOTES = @@SQL_NOTES, SQL_NOTES = 0")
    wait_until(lambda: pins() is None, "the values to be carried")
    for _ in range(3):
        assert session.row("SELECT @@sql_mode, @@foreign_key_checks, @@unique_checks, @@time_zone, @@sql_notes,"
                           " @old_sql_mode FROM whoami") == ("NO_AUTO_VALUE_ON_ZERO", 0, 0, "+00:00", 0, before[0])
    session.run("SET TIME_ZONE = @OLD_TIME_ZONE")
    session.run("SET SQL_MODE = @OLD_SQL_MODE, FOREIGN_KEY_CHECKS = @OLD_FOREIGN_KEY_CHECKS")
    session.run("SET UNIQUE_CHECKS = @OLD_UNIQUE_CHECKS, SQL_NOTES = @OLD_SQL_NOTES")
    for _ in range(3):
        assert session.row("SELECT @@sql_mode, @@foreign_key_checks, @@unique_checks, @@time_zone, @@sql_notes"
                           " FROM whoami") == before
    assert pins() is None


def test_the_values_are_asked_for_beside_query_attributes(wye, mysql_client):
    done = mysql_client.ask(wye, "SET @@sql_mode = CONCAT('PIPES_AS', '_CONCAT'), @a = 1 + 1;"
                                 " SELECT @@sql_mode, @a, 'b' || 'c' FROM whoami; BEGIN; SELECT name, @a FROM whoami;",
                            "--batch", "--skip-column-names")
    assert done.returncode == 0, done.stdout
    assert done.stdout.split("\n") == ["PIPES_AS_CONCAT\t2\tbc", "primary\t2", ""]


def test_counts_and_warnings_come_before_the_value_is_asked_for(session, pins):
    session.run("SET @@div_precision_increment = 3 + 200")  # cut to 30, with a warning
    assert "div_precision_increment" in session.row("SHOW WARNINGS")[2]
    session.run("SET @@div_precision_increment = 3 + 4")
    assert session.value("SELECT ROW_COUNT()") == 0
    assert "read-back" in pins()
    assert str(session.value("SELECT 1 / 4 FROM whoami")) == "0.2500000"
    assert pins() is None


def test_a_variable_that_cannot_be_carried_stays_on_its_connection(session, pins):
    session.run("SET timestamp = 100 + 23")
    assert pins() == "session-variable"
    assert {session.value("SELECT UNIX_TIMESTAMP() FROM whoami") for _ in range(4)} == {123}


# --- user variables ---

VALUES = ["1", "-5", "18446744073709551615", "-9223372036854775808", "1.50", "-0.0001", "1e0", "-2.5e-7", "1e100",
          "TRUE", "''", "'it''s'", "_latin1'abc'", "x'4142'", "0x00FF", "b'101'", "NULL"]
EXPRESSIONS = ["_utf8mb4 x'C3A9'", "CAST(5 AS UNSIGNED)", "1 / 3", "(SELECT SUM(id) FROM whoami)", "1 / 3e0", "RAND()", "2 * 5e9",
               "CONCAT('a', CHAR(0), 'b\\\\')", "'a' COLLATE utf8mb4_bin", "CONVERT('\u00e9' USING latin1)", "NOW()",
               "DATE'2020-01-01'", "UUID()", "JSON_OBJECT('a', 1)", "CAST(NULL AS SIGNED)", "CAST(NULL AS CHAR)",
               "(SELECT v FROM st WHERE 1 = 0)", "CAST(1 AS DECIMAL(10, 0))", "-9223372036854775807 - 1", "@@version"]


def shown(session, name):
    """Value, character set and collation of a user variable, and the type that its column has."""
    with session.connection.cursor() as cursor:
        cursor.execute("SELECT @%s, HEX(@%s), CHARSET(@%s), COLLATION(@%s), name FROM whoami" % ((name,) * 4))
        field = cursor._result.fields[0]
        row = cursor.fetchone()
    # The longer texts have types of their own.
    kind = FIELD_TYPE.BLOB if field.type_code in (FIELD_TYPE.LONG_BLOB, FIELD_TYPE.MEDIUM_BLOB) else field.type_code
    return (row[:4], kind, field.charsetnr, field.flags, field.scale), row[4]




def test_user_variables_have_the_same_value_and_type_on_every_server(cluster, session, pins):
    for i, value in enumerate(VALUES):
        session.run("SET @v%d = %s" % (i, value))
        assert pins() is None, value
    for i, value in enumerate(EXPRESSIONS):
        session.run("SET @e%d = %s" % (i, value))
    on_primary = [shown(session, "e%d" % i) for i in range(len(EXPRESSIONS))]
    assert {name for _, name in on_primary} == {"primary"} and pins() == "user-variable"
    wait_until(lambda: pins() is None, "the values to be carried")
    for i, (expected, _) in enumerate(on_primary):
        for _ in range(2):
            got, name = shown(session, "e%d" % i)
            assert name in ("replica1", "replica2")
            assert got == expected, EXPRESSIONS[i]
    for i, value in enumerate(VALUES):
        assert session.value("SELECT @v%d <=> %s FROM whoami" % (i, value)) == 1, value


@pytest.mark.parametrize("statement", ["SELECT 7 INTO @x", "SELECT @x := 7", "SELECT 7, 8 INTO @x, @y",
                                       "INSERT INTO st (v) VALUES (@x := 7)"])
def test_a_user_variable_set_by_a_statement_is_there_at_once_and_everywhere_later(session, pins, statement):
    session.run(statement)
    assert session.value("SELECT @x") == 7
    assert pins() == "user-variable"
    wait_until(lambda: pins() is None, "the pin to end")
    assert {session.value("SELECT @x FROM whoami") for _ in range(3)} == {7}


def test_a_literal_has_the_character_set_its_statement_was_read_in(session, pins):
    session.run("SET NAMES latin1 COLLATE latin1_bin, @c = 'b'")
    wait_until(lambda: pins() is None, "the value to be carried")
    assert {session.value("SELECT COLLATION(@c) FROM whoami") for _ in range(3)} == {"utf8mb4_general_ci"}
    session.run("SET @c = 'b'")
    assert {session.value("SELECT COLLATION(@c) FROM whoami") for _ in range(3)} == {"latin1_bin"}


def test_user_variables_do_not_reach_another_session(endpoint, session):
    session.run("SET @mine = 5")
    for _ in range(6):
        session.value("SELECT @mine FROM whoami")
    with endpoint.session() as other:
        for _ in range(6):
            assert other.value("SELECT @mine FROM whoami") is None
            assert session.value("SELECT @mine FROM whoami") == 5
        other.run("INSERT INTO st (v) VALUES (@mine)")
        assert other.value("SELECT v FROM st WHERE id = LAST_INSERT_ID()") is None


def test_a_user_variable_that_is_carried_is_written_by_the_primary(session):
    session.run("SET @w = 'written'")
    session.run("INSERT INTO st (v) VALUES (@w)")
    assert session.value("SELECT v FROM st WHERE id = LAST_INSERT_ID()") == "written"


def test_what_a_routine_leaves_stays_with_the_session(endpoint, session, pins):
    session.rows("CALL p_plain()")
    assert pins() == "user-variable"  # of which INTO in a routine tells nothing
    session.rows("CALL p_leaves()")
    assert "routine" in pins()
    assert session.value("SELECT @left") == 5
    session.connection.ping()
    with endpoint.session() as other:
        for _ in range(4):
            assert other.value("SELECT @left FROM whoami") is None


def test_a_variable_that_a_failing_routine_has_set_is_known(session, pins):
    session.run("SET time_zone = '+01:00'")
    assert session.error("CALL p_mode_fails()") == 1644
    for _ in range(4):
        assert session.value("SELECT @@time_zone FROM whoami") == "+07:00"
    assert "routine" in pins()  # it can have set any other, and no server tells
    session.run("SET time_zone = '+02:00'")
    assert session.value("SELECT @@time_zone FROM whoami") == "+02:00"


def test_variables_that_get_their_values_on_a_replica_reach_the_primary(session, pins):
    for _ in range(2):
        session.rows("SELECT CAST('x' AS SIGNED) FROM whoami")
        session.run("GET DIAGNOSTICS @n = NUMBER")
        session.run("GET DIAGNOSTICS CONDITION 1 @m = MESSAGE_TEXT")
        assert session.value("SELECT @n") == 1
        session.rows("SELECT CAST('y' AS SIGNED) FROM whoami")
        session.run("GET DIAGNOSTICS CONDITION 1 @o = MESSAGE_TEXT")
        session.run("INSERT INTO st (v) VALUES (CONCAT(@n, @m, @o))")
        text = session.value("SELECT v FROM st WHERE id = LAST_INSERT_ID()")
        assert text.startswith("1") and "'x'" in text and "'y'" in text
    wait_until(lambda: pins() is None, "the pin to end")


# --- roles ---

@pytest.fixture
def roles(cluster):
    with cluster.witness.root(cluster.primary) as root:
        grantee = root.value("SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user WHERE user = 'app'")
        root.run("CREATE ROLE IF NOT EXISTS st_reader")
        root.run("GRANT st_reader TO %s" % grantee)
        cluster.wait_caught_up()
        yield
        root.run("DROP ROLE st_reader")
    cluster.wait_caught_up()


def role_of(session):
    return (session.value("SELECT CURRENT_ROLE() FROM whoami") or "NONE").split("@")[0].strip("`")


def test_a_role_follows_its_session_and_no_other(endpoint, session, pins, roles):
    session.run("SET ROLE st_reader")
    assert pins() is None
    with endpoint.session() as other:
        for _ in range(4):
            assert role_of(session) == "st_reader" and role_of(other) == "NONE"
        assert replicas(session)
        other.run("SET ROLE NONE")
        for _ in range(4):
            assert role_of(session) == "st_reader" and role_of(other) == "NONE"
    # As on the servers themselves.
    session.connection._execute_command(0x1F, b"")
    session.connection._read_ok_packet()
    assert role_of(session) == "st_reader"
    session.run("SET ROLE NONE")
    assert role_of(session) == "NONE" and pins() is None
    assert session.error("SET ROLE no_such_role") in (1959, 3530)
    assert role_of(session) == "NONE" and pins() is None


# --- what has a name on its connection ---

def test_a_temporary_table_ties_only_what_names_it(session, pins):
    session.run("CREATE TEMPORARY TABLE tt (a INT)")
    session.run("CREATE TEMPORARY TABLE uu LIKE st")
    session.run("INSERT INTO tt VALUES (1), (2)")
    assert pins() == "temporary-table"
    assert session.value("SELECT COUNT(*) FROM tt") == 2
    assert session.value("SELECT COUNT(*) FROM app.`tt`, whoami") == 2
    until_on_replicas(session)
    assert session.value("SELECT COUNT(*) FROM st_view") is not None
    session.run("ALTER TABLE tt RENAME TO vv")
    assert session.value("SELECT COUNT(*) FROM vv") == 2
    session.run("DROP TABLE uu")
    assert pins() == "temporary-table"
    session.run("DROP TEMPORARY TABLE vv")
    assert pins() is None
    assert session.error("SELECT * FROM vv") == 1146


def test_a_temporary_table_that_was_not_made_ties_nothing(session, pins):
    assert session.error("CREATE TEMPORARY TABLE tt (id INT PRIMARY KEY) SELECT 1 AS id UNION ALL SELECT 1") == 1062
    assert pins() == "last-statement"
    assert session.error("SELECT * FROM tt") == 1146


def test_a_statement_prepared_as_text_ties_until_it_is_deallocated(session, pins):
    session.run("PREPARE a FROM 'SELECT ? + 1'")
    session.run("PREPARE B FROM 'SELECT 2'")
    session.run("SET @one = 1")
    assert session.value("EXECUTE a USING @one") == 2
    session.run("DEALLOCATE PREPARE a")
    assert pins() == "text-prepare"
    session.run("DROP PREPARE b")
    assert pins() is None
    assert session.error("PREPARE c FROM 'no statement'") == 1064
    assert pins() == "last-statement"


def test_what_a_prepared_statement_may_have_set_ties_for_good(session, pins):
    session.run("PREPARE a FROM 'SET @secret = 1'")
    session.run("EXECUTE a")
    session.run("DEALLOCATE PREPARE a")
    assert "unknown" in pins()
    assert session.value("SELECT @secret") == 1


def test_a_handler_ties_until_it_is_closed(session, pins):
    session.run("HANDLER st OPEN AS h")
    assert pins() == "handler"
    session.rows("HANDLER h READ FIRST")
    session.run("HANDLER h CLOSE")
    assert pins() is None


def test_a_user_lock_ties_until_it_is_released(cluster, session, pins):
    assert session.value("SELECT GET_LOCK('state a', 5)") == 1
    assert session.value("SELECT GET_LOCK('state b', 5)") == 1
    assert session.value("SELECT RELEASE_LOCK('state a')") == 1
    with cluster.witness.root(cluster.primary) as root:
        assert root.value("SELECT IS_FREE_LOCK('state b')") == 0
        assert pins() == "user-lock"
        assert session.value("SELECT RELEASE_LOCK('state b')") == 1
        wait_until(lambda: pins() is None, "the pin to end")
        assert root.value("SELECT IS_FREE_LOCK('state b')") == 1
        assert root.value("SELECT GET_LOCK('state d', 5)") == 1
        assert session.value("SELECT GET_LOCK('state d', 0)") == 0
        wait_until(lambda: pins() is None, "the pin to end")
    session.run("DO GET_LOCK('state c', 5)")
    session.run("DO RELEASE_ALL_LOCKS()")
    assert pins() is None


def test_a_session_that_only_waits_to_be_asked_lends_its_connection_to_who_needs_it(endpoint, wye, session, pins):
    wye.console("SET server_max_connections = 1")
    try:
        session.run("SET @a = 1 + 1")
        with endpoint.session() as other:
            other.run("INSERT INTO st (v) VALUES ('had its turn')")
        assert session.value("SELECT @a FROM whoami") == 2
    finally:
        wye.console("SET server_max_connections = DEFAULT")


# --- transactions ---

IN_TRANS, IN_TRANS_READONLY = 1, 0x2000
BEGINNINGS = ["BEGIN", "begin work;", "START TRANSACTION", "START TRANSACTION READ WRITE"]


def in_trans(session):
    return session.connection.server_status & (IN_TRANS | IN_TRANS_READONLY)


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_transaction_begins_with_its_first_statement(cluster, wye, session, pins, begin):
    begun = cluster.witness.status(cluster.primary, "Com_begin")
    session.run(begin)
    assert in_trans(session) == IN_TRANS
    session.connection.ping()
    assert in_trans(session) == IN_TRANS
    own = session.value("SELECT CONNECTION_ID()")
    assert wye.console("SELECT server FROM stats_sessions WHERE id = %d" % own)[0]["server"] is None
    assert session.error("INSERT INTO no_such_table VALUES (1)") == 1146
    session.run("INSERT INTO st (v) VALUES ('to be rolled back')")
    assert session.value(WHERE) == "primary"
    one = session.value("SELECT LAST_INSERT_ID()")
    session.run("ROLLBACK")
    assert in_trans(session) == 0 and pins() is None
    assert session.value("SELECT COUNT(*) FROM st WHERE id = %d" % one) == 0
    after = cluster.witness.status(cluster.primary, "Com_begin")
    assert after["Com_begin"] == begun["Com_begin"] + 1


def test_a_transaction_that_does_nothing_reaches_no_server(cluster, endpoint, session):
    before = [cluster.witness.status(one, "Com_begin", "Com_commit", "Com_rollback") for one in cluster.servers]
    for begin in BEGINNINGS + ["START TRANSACTION READ ONLY"]:
        for end in ("COMMIT", "ROLLBACK WORK", "COMMIT AND NO CHAIN"):
            session.run(begin)
            session.run("START TRANSACTION")
            session.run(end)
            assert in_trans(session) == 0
    session.run("BEGIN")
    session.run("COMMIT AND CHAIN")
    assert in_trans(session) == IN_TRANS
    with endpoint.session() as gone:
        gone.run("BEGIN")
    session.connection._execute_command(0x1F, b"")
    session.connection._read_ok_packet()
    assert in_trans(session) == 0
    after = [cluster.witness.status(one, "Com_begin", "Com_commit", "Com_rollback") for one in cluster.servers]
    assert after == before


def test_a_read_only_transaction_begins_where_its_first_read_runs(session, pins):
    session.run("START TRANSACTION READ ONLY")
    assert in_trans(session) == IN_TRANS | IN_TRANS_READONLY
    where = session.value(WHERE)
    assert where in ("replica1", "replica2")
    assert [session.value(WHERE) for _ in range(3)] == [where] * 3
    assert session.error("INSERT INTO st (v) VALUES ('no')") == 1792
    session.run("COMMIT")
    session.run("START TRANSACTION READ ONLY")
    assert session.error("INSERT INTO st (v) VALUES ('no')") == 1792
    session.run("ROLLBACK")
    session.run("SET SESSION TRANSACTION READ ONLY")
    session.run("BEGIN")
    assert in_trans(session) == IN_TRANS | IN_TRANS_READONLY
    assert session.value(WHERE) in ("replica1", "replica2")
    session.run("COMMIT")
    session.run("START TRANSACTION READ WRITE")
    session.run("INSERT INTO st (v) VALUES ('yes')")
    session.run("COMMIT")
    assert pins() is None


def test_a_global_variable_set_in_a_read_only_transaction_keeps_nobody_on_a_replica(endpoint, cluster):
    with endpoint.session("admin") as admin:
        before = admin.value("SELECT @@global.lock_wait_timeout")
        admin.run("START TRANSACTION READ ONLY")
        assert admin.value(WHERE) in ("replica1", "replica2")
        admin.run("SET GLOBAL lock_wait_timeout = %d" % before)
        admin.run("COMMIT")
        admin.run("CREATE TEMPORARY TABLE app.tied (a INT)")
        admin.run("INSERT INTO app.tied SELECT 1 FROM app.whoami LIMIT 1")
        admin.run("INSERT INTO app.st (v) SELECT a FROM app.tied")
        with cluster.witness.root(cluster.primary) as root:
            assert root.value("SELECT COUNT(*) FROM app.st WHERE v = '1'") == 1


def test_a_begin_that_a_replica_refuses_ties_nobody_to_it(session, pins):
    assert session.error("START TRANSACTION READ ONLY, READ WRITE") == 1064
    assert pins() in (None, "last-statement")
    session.run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    session.run("COMMIT")
    session.run("INSERT INTO st (v) VALUES ('after')")
    assert session.value("SELECT COUNT(*) FROM st WHERE v = 'after'") == 1


def test_a_read_only_transaction_of_a_tied_session_stays_with_it(endpoint, session, pins):
    session.run("CREATE TEMPORARY TABLE tt (a INT)")
    session.run("START TRANSACTION READ ONLY")
    assert session.value("SELECT COUNT(*) FROM tt") == 0
    assert session.value(WHERE) == "primary"
    with endpoint.session() as other:
        for _ in range(4):
            other.value(WHERE)
            assert in_trans(other) == 0
    session.run("COMMIT")
    session.run("DROP TEMPORARY TABLE tt")
    assert pins() is None


def test_a_transaction_that_may_write_leaves_the_replica_of_the_one_before(session):
    session.run("START TRANSACTION READ ONLY")
    assert session.value(WHERE) != "primary"
    session.run("START TRANSACTION READ WRITE")
    session.run("INSERT INTO st (v) VALUES ('written after a read')")
    session.run("ROLLBACK")
    assert session.value("SELECT COUNT(*) FROM st WHERE v = 'written after a read'") == 0


def test_a_reset_session_has_the_character_set_of_a_reset_connection(cluster, endpoint, session):
    direct = Endpoint(cluster.primary.host, cluster.primary.port)
    with direct.session() as server:
        expected = []
        for one in (server, session):
            one.run("SET NAMES latin1, @a = NULL")
            one.connection._execute_command(0x1F, b"")
            one.connection._read_ok_packet()
            one.run("BEGIN")
            for _ in range(3):
                expected.append(one.row("SELECT @@collation_connection, @@character_set_results, COLLATION('a')"
                                        " FROM whoami"))
    assert len(set(expected)) == 1


def test_a_read_only_transaction_sees_what_its_session_wrote(session):
    for i in range(10):
        session.run("INSERT INTO st (v) VALUES (%s)", [str(i)])
        one = session.value("SELECT LAST_INSERT_ID()")
        session.run("START TRANSACTION READ ONLY")
        assert session.value("SELECT v FROM st WHERE id = %d" % one) == str(i)
        session.run("COMMIT")


def test_what_a_begin_does_at_once_is_done_at_once(cluster, session):
    session.run("DELETE FROM st WHERE v LIKE 'snap%'")
    session.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    with cluster.witness.root(cluster.primary) as root:
        root.run("INSERT INTO app.st (v) VALUES ('snapped')")
    assert session.value("SELECT COUNT(*) FROM st WHERE v = 'snapped'") == 0
    session.run("COMMIT")
    # One that is open is committed by the next.
    session.run("BEGIN")
    session.run("INSERT INTO st (v) VALUES ('snap committed')")
    session.run("BEGIN")
    session.run("ROLLBACK")
    assert session.value("SELECT COUNT(*) FROM st WHERE v = 'snap committed'") == 1
    session.run("SET completion_type = 1")
    session.run("BEGIN")
    session.run("COMMIT")
    assert in_trans(session) == IN_TRANS
    session.run("SET completion_type = 0")
    session.run("COMMIT")
    assert in_trans(session) == 0


@pytest.mark.parametrize("first", ["SET @a = 1", "SET time_zone = '+02:00'", "USE app2", "SAVEPOINT s", "SELECT 1 INTO @x",
                                   "CREATE TEMPORARY TABLE tt (a INT)", "SELECT ROW_COUNT()", "SHOW WARNINGS"])
def test_whatever_comes_first_in_a_transaction_begins_it(session, first):
    session.run("BEGIN")
    session.rows(first)
    assert in_trans(session) == IN_TRANS
    session.run("INSERT INTO app.st (v) VALUES ('first')")
    session.run("ROLLBACK")
    assert session.value("SELECT COUNT(*) FROM app.st WHERE v = 'first'") == 0


def test_a_first_statement_that_fails_leaves_the_transaction_open(session):
    session.run("BEGIN")
    assert session.error("SELECT no_such_column FROM st") == 1054
    session.run("INSERT INTO st (v) VALUES ('after an error')")
    session.run("ROLLBACK")
    assert session.value("SELECT COUNT(*) FROM st WHERE v = 'after an error'") == 0


def test_counts_are_those_of_the_last_statement_also_when_no_server_saw_it(session):
    session.run("INSERT INTO st (v) VALUES ('a'), ('b'), ('c')")
    last = session.value("SELECT LAST_INSERT_ID()")
    session.run("BEGIN")
    assert session.value("SELECT ROW_COUNT()") == 0
    assert session.value("SELECT LAST_INSERT_ID()") == last
    session.run("COMMIT")
    session.run("INSERT INTO st (v) VALUES ('a'), ('b')")
    session.run("BEGIN")
    session.run("COMMIT")
    assert session.value("SELECT ROW_COUNT()") == 0

def test_what_was_set_for_the_next_transaction_ties_until_it_is_over(session, pins):
    session.run("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    assert pins() == "set-transaction"
    session.run("BEGIN")
    session.run("INSERT INTO st (v) VALUES ('serializable')")
    session.run("COMMIT")
    assert pins() is None
    session.run("SET TRANSACTION READ WRITE")
    assert session.value("SELECT 1") == 1
    assert pins() == "set-transaction"
    session.run("INSERT INTO st (v) VALUES ('used up')")
    assert pins() is None


def test_an_xa_transaction_ties_until_it_is_over(session, pins):
    session.run("XA START 'state'")
    session.run("INSERT INTO st (v) VALUES ('xa')")
    session.run("XA END 'state'")
    assert pins() == "xa"
    session.run("XA PREPARE 'state'")
    session.run("XA COMMIT 'state'")
    assert pins() is None


def test_reset_ends_every_pin(session, pins):
    session.run("CREATE TEMPORARY TABLE tt (a INT)")
    session.run("SET @a = 1 + 1")
    session.run("SET timestamp = 5")
    session.connection._execute_command(0x1F, b"")
    session.connection._read_ok_packet()
    assert pins() is None
    assert session.value("SELECT @a") is None
    assert session.error("SELECT * FROM tt") == 1146
