"""Writes go to the primary, reads to the replicas, and no session can tell."""

import collections
import threading

import pymysql
import pytest
from pymysql.constants import CLIENT

from endpoint import wait_until

WHERE = "SELECT name FROM whoami"


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.kv (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100))")
        root.run("DROP FUNCTION IF EXISTS app.remember")
        root.run("CREATE FUNCTION app.remember(what VARCHAR(100)) RETURNS INT MODIFIES SQL DATA"
                 " BEGIN INSERT INTO app.kv (v) VALUES (what); RETURN LAST_INSERT_ID(); END")
    cluster.wait_caught_up()


def everywhere(sessions, work):
    """Run work(session) for several sessions side by side; the results, or the first error."""
    results, errors = [None] * len(sessions), []

    def one(i):
        try:
            results[i] = work(sessions[i])
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(sessions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "a session hangs"
    if errors:
        raise errors[0]
    return results


@pytest.fixture
def sessions(endpoint):
    opened = []

    def open_sessions(count, **options):
        for _ in range(count):
            context = endpoint.session(**options)
            opened.append(context)
            yield context.__enter__()

    yield lambda count, **options: list(open_sessions(count, **options))
    for context in opened:
        context.__exit__(None, None, None)


# --- where statements run ---

def test_autocommit_reads_run_on_both_replicas_alike_and_never_on_the_primary(wye, witness, sessions):
    before = witness.selects("app")
    seen = collections.Counter()
    for names in everywhere(sessions(8), lambda s: [s.value(WHERE) for _ in range(250)]):
        seen.update(names)
    after = witness.selects("app")
    counted = {name: after[name] - before[name] for name in after}
    assert sum(seen.values()) == 2000
    assert seen["primary"] == 0 and counted["primary"] == 0
    # A session stays on a replica until it is known what it has seen there, so that it never goes back in time.
    for counts in (seen, counted):
        assert abs(counts["replica1"] - counts["replica2"]) <= 0.3 * 1000, counts
    # The servers saw the clients' reads and next to nothing on wye's own account.
    assert 2000 <= counted["replica1"] + counted["replica2"] <= 2100


def test_the_reads_of_one_session_use_both_replicas(wye, sessions):
    # It stays on one for some hundred reads at most, however long it reads.
    names = collections.Counter(sessions(1)[0].value(WHERE) for _ in range(3000))
    assert set(names) == {"replica1", "replica2"}
    assert abs(names["replica1"] - names["replica2"]) <= 600


def test_writes_run_on_the_primary_only(wye, witness, sessions):
    def write(session):
        for i in range(50):
            session.run("INSERT INTO kv (v) VALUES ('written')")
            session.run("UPDATE kv SET v = 'changed' WHERE id = LAST_INSERT_ID()")
            session.run("DELETE FROM kv WHERE id = LAST_INSERT_ID()")
    before = witness.written("app")
    everywhere(sessions(4), write)
    after = witness.written("app")
    assert {name: after[name] - before[name] for name in after} == {"primary": 600, "replica1": 0, "replica2": 0}


@pytest.mark.parametrize("begin, end", [("BEGIN", "COMMIT"), ("START TRANSACTION", "ROLLBACK"),
                                        ("START TRANSACTION READ WRITE", "COMMIT"),
                                        ("START TRANSACTION WITH CONSISTENT SNAPSHOT", "COMMIT"),
                                        ("SET autocommit = 0", "SET autocommit = 1")])
def test_a_transaction_runs_wholly_on_the_primary(wye, sessions, begin, end):
    session = sessions(1)[0]
    for _ in range(5):
        session.run(begin)
        assert session.value(WHERE) == "primary"
        session.run("INSERT INTO kv (v) VALUES ('in a transaction')")
        assert [session.value(WHERE) for _ in range(4)] == ["primary"] * 4
        session.run(end)
        # As soon as a replica has what the transaction wrote.
        wait_until(lambda: session.value(WHERE) in ("replica1", "replica2"), "a read to run on a replica")


def test_a_failed_statement_does_not_end_a_transaction(wye, sessions):
    session = sessions(1)[0]
    session.run("BEGIN")
    session.run("INSERT INTO kv (v) VALUES ('before the error')")
    assert session.error("SELECT * FROM no_such_table") == 1146
    assert session.value(WHERE) == "primary"
    session.run("ROLLBACK")


@pytest.mark.parametrize("ending", ["FOR UPDATE", "LOCK IN SHARE MODE", "/* a comment */ for\n update"])
def test_a_locking_read_runs_on_the_primary(wye, sessions, ending):
    session = sessions(1)[0]
    assert [session.value("%s %s" % (WHERE, ending)) for _ in range(4)] == ["primary"] * 4


def test_a_read_only_transaction_runs_wholly_on_one_replica(wye, sessions):
    session = sessions(1)[0]
    used = set()

    def both_have_been_used():
        session.run("START TRANSACTION READ ONLY")
        names = {session.value(WHERE) for _ in range(6)}
        session.run("COMMIT")
        assert len(names) == 1
        used.update(names)
        return used == {"replica1", "replica2"}
    wait_until(both_have_been_used, "transactions to run on each of the replicas")


def test_a_write_in_a_read_only_transaction_is_refused_as_the_server_does(endpoint, sessions):
    session = sessions(1)[0]
    session.run("START TRANSACTION READ ONLY")
    assert session.error("INSERT INTO kv (v) VALUES ('never')") == 1792
    session.run("ROLLBACK")
    assert session.run("INSERT INTO kv (v) VALUES ('afterwards')") == 1


def test_a_select_that_writes_through_a_function_writes(endpoint, sessions):
    session = sessions(1)[0]
    for i in range(5):
        number = session.value("SELECT remember(%s)", ["remembered %d" % i])
        assert session.value("SELECT v FROM kv WHERE id = %s", [number]) == "remembered %d" % i


# --- what a session has set ---

SETTINGS = [  # what a session runs, and a read that tells whether the server it runs on knows
    (["SET sql_mode = 'ANSI_QUOTES'"], 'SELECT "id" FROM whoami', 1),
    (["SET SESSION sql_mode = ''"], 'SELECT "id" FROM whoami', "id"),
    (["SET time_zone = '+03:00'"], "SELECT FROM_UNIXTIME(0) = '1970-01-01 03:00:00' FROM whoami", 1),
    (["SET @@session.time_zone = '-05:30'"], "SELECT FROM_UNIXTIME(0) = '1969-12-31 18:30:00' FROM whoami", 1),
    (["SET NAMES latin1"], "SELECT CHARSET('x') FROM whoami", "latin1"),
    (["SET NAMES utf8mb4 COLLATE utf8mb4_bin"], "SELECT COLLATION('x') FROM whoami", "utf8mb4_bin"),
    (["SET group_concat_max_len = 4"], "SELECT GROUP_CONCAT('abcdefgh') FROM whoami", "abcd"),
    (["USE app2"], "SELECT DATABASE() FROM app.whoami", "app2"),
    (["SET div_precision_increment = 2, lc_time_names = 'de_DE'"],
     "SELECT CONCAT(1 / 3, DATE_FORMAT('2024-05-01', '%M')) FROM whoami", "0.33Mai"),
    (["USE app2", "SET sql_mode = 'PIPES_AS_CONCAT,ANSI_QUOTES'", "SET NAMES latin1", "SET time_zone = '+01:00'"],
     "SELECT CONCAT_WS(' ', \"name\" <> '', 'a' || 'b', DATABASE(), CHARSET('x'), FROM_UNIXTIME(0)) FROM app.whoami",
     "1 ab app2 latin1 1970-01-01 01:00:00"),
]


def test_what_sessions_have_set_follows_each_from_server_to_server(endpoint, sessions):
    # All at once and in turns, so that each finds connections that somebody else has used before.
    opened = sessions(len(SETTINGS))
    for session, (statements, _, _) in zip(opened, SETTINGS):
        for statement in statements:
            session.run(statement)
    for _ in range(30):
        for session, (statements, read, expected) in zip(opened, SETTINGS):
            assert session.value(read) == expected, statements


def test_what_a_session_has_set_is_gone_for_the_next_client(endpoint, sessions, cluster):
    with endpoint.session() as fresh:
        question = ("SELECT CONCAT_WS(' ', @@sql_mode, @@time_zone, @@character_set_client, @@collation_connection,"
                    " @@group_concat_max_len, DATABASE())")
        expected = fresh.value(question)
    for _ in range(3):
        for statements, _, _ in SETTINGS:
            with endpoint.session() as session:
                for statement in statements:
                    session.run(statement)
                session.value("SELECT 1 FROM app.whoami")
        with endpoint.session() as fresh:
            assert [fresh.value(question) for _ in range(4)] == [expected] * 4


def test_a_session_without_a_schema_has_none_on_every_server(endpoint, sessions):
    session, other = sessions(1, database=None)[0], sessions(1)[0]
    for _ in range(10):
        assert other.value("SELECT DATABASE() FROM app.whoami") == "app"
        assert session.value("SELECT DATABASE() FROM app.whoami") is None
    assert session.error("SELECT * FROM whoami") == 1046


def test_a_setting_that_the_server_refuses_changes_nothing(endpoint, sessions):
    session = sessions(1)[0]
    session.run("SET time_zone = '+02:00'")
    assert session.error("SET group_concat_max_len = 4, time_zone = 'Nowhere/Land'") == 1298
    assert session.error("SET no_such_variable = 1") == 1193
    for _ in range(6):
        assert session.value("SELECT FROM_UNIXTIME(0) = '1970-01-01 02:00:00' FROM whoami") == 1
        assert session.value("SELECT GROUP_CONCAT('abcdefgh') FROM whoami") == "abcdefgh"


# --- what lives in one connection ---

def test_a_temporary_table_is_there_for_its_session_only(endpoint, sessions):
    session, other = sessions(2)
    session.run("CREATE TEMPORARY TABLE mine (a INT)")
    session.run("INSERT INTO mine VALUES (1), (2)")
    for _ in range(6):
        assert session.value("SELECT COUNT(*) FROM mine") == 2
        assert session.value("SELECT COUNT(*) FROM whoami JOIN mine") == 2
    assert other.error("SELECT COUNT(*) FROM mine") == 1146
    session.run("DROP TEMPORARY TABLE mine")
    assert session.error("SELECT COUNT(*) FROM mine") == 1146


def test_a_user_variable_keeps_its_value(endpoint, sessions):
    session, other = sessions(2)
    session.run("SET @a = 41")
    session.value("SELECT COUNT(*) FROM whoami")
    assert session.value("SELECT @a + 1") == 42
    session.rows("SELECT id INTO @b FROM whoami")
    for _ in range(4):
        assert session.row("SELECT @a, @b, name IS NOT NULL FROM whoami") == (41, 1, 1)
    assert other.value("SELECT @a") is None


def test_a_named_lock_is_held_against_others_until_it_is_released(endpoint, sessions):
    session, other = sessions(2)
    assert session.value("SELECT GET_LOCK('wye-e2e', 0)") == 1
    for _ in range(4):
        session.value(WHERE)
        assert other.value("SELECT GET_LOCK('wye-e2e', 0)") == 0
        assert session.value("SELECT IS_FREE_LOCK('wye-e2e')") == 0
    assert session.value("SELECT RELEASE_LOCK('wye-e2e')") == 1
    assert other.value("SELECT GET_LOCK('wye-e2e', 0)") == 1
    assert other.value("SELECT RELEASE_LOCK('wye-e2e')") == 1


def test_a_session_that_ends_leaves_no_lock_and_no_transaction_behind(endpoint, sessions):
    with endpoint.session() as session:
        session.run("BEGIN")
        session.run("INSERT INTO kv (v) VALUES ('never committed')")
        session.value("SELECT GET_LOCK('wye-e2e-left', 0)")
        session.run("UPDATE whoami SET name = 'nobody' WHERE id = 2")
    other = sessions(1)[0]
    assert other.value("SELECT GET_LOCK('wye-e2e-left', 30)") == 1
    assert other.value("SELECT RELEASE_LOCK('wye-e2e-left')") == 1
    assert other.value("SELECT COUNT(*) FROM kv WHERE v = 'never committed' FOR UPDATE") == 0


def test_table_locks_hold_until_they_are_given_back(endpoint, sessions):
    session = sessions(1)[0]
    session.run("LOCK TABLES kv WRITE")
    session.run("INSERT INTO kv (v) VALUES ('locked')")
    assert session.error(WHERE) == 1100
    session.run("UNLOCK TABLES")
    assert session.value("SELECT COUNT(*) FROM whoami") == 1


def test_a_text_prepared_statement_can_be_executed(endpoint, sessions):
    session = sessions(1)[0]
    session.run("PREPARE s FROM 'SELECT COUNT(*) + ? FROM whoami'")
    session.run("SET @n = 10")
    for _ in range(4):
        session.value(WHERE)
        assert session.value("EXECUTE s USING @n") == 11
    session.run("DEALLOCATE PREPARE s")
    assert session.error("EXECUTE s USING @n") == 1243


# --- what is left of the last statement ---

def test_last_insert_id_is_that_of_the_session(endpoint, sessions):
    first, second = sessions(2)
    for _ in range(20):
        first.run("INSERT INTO kv (v) VALUES ('first')")
        number = first.connection.insert_id()
        second.run("INSERT INTO kv (v) VALUES ('second')")
        assert second.value("SELECT LAST_INSERT_ID()") == number + 1
        first.value("SELECT COUNT(*) FROM whoami")
        assert first.value("SELECT LAST_INSERT_ID()") == number
        assert first.value("SELECT v FROM kv WHERE id = LAST_INSERT_ID()") == "first"


def test_warnings_are_those_of_the_last_statement(endpoint, sessions):
    session = sessions(1)[0]
    session.run("SET sql_mode = ''")
    for _ in range(10):
        assert session.value("SELECT CAST('x' AS SIGNED) FROM whoami") == 0
        assert [row[1] for row in session.rows("SHOW WARNINGS")] == [1292]
        assert session.value("SHOW COUNT(*) WARNINGS") == 1
        session.run("INSERT INTO kv (id, v) VALUES ('x', 'y') ON DUPLICATE KEY UPDATE v = 'z'")
        assert [row[1] for row in session.rows("SHOW WARNINGS")] == [1366]
        session.value("SELECT COUNT(*) FROM whoami")
        assert session.rows("SHOW WARNINGS") == []
        assert session.error("SELECT * FROM no_such_table") == 1146
        assert [row[1] for row in session.rows("SHOW ERRORS")] == [1146]


def test_found_rows_and_row_count_are_those_of_the_last_statement(endpoint, sessions):
    session = sessions(1)[0]
    session.run("DELETE FROM kv WHERE v = 'to be found'")
    session.run("INSERT INTO kv (v) VALUES ('to be found'), ('to be found'), ('to be found'), ('to be found')")
    for _ in range(10):
        session.rows("SELECT SQL_CALC_FOUND_ROWS id FROM kv WHERE v = 'to be found' LIMIT 1")
        assert session.value("SELECT FOUND_ROWS()") == 4
        session.run("INSERT INTO kv (v) VALUES ('a'), ('b'), ('c')")
        assert session.value("SELECT ROW_COUNT()") == 3
        session.rows("SELECT id FROM kv LIMIT 2")
        assert session.value("SELECT FOUND_ROWS()") == 2


def test_a_read_that_counts_its_rows_runs_on_a_replica_and_is_asked_there(endpoint, cluster, wye, sessions):
    session = sessions(1)[0]
    counted = ("SELECT SQL_CALC_FOUND_ROWS name FROM whoami, (SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT %d) AS three"
               " LIMIT 1")
    replicas = {server.name for server in cluster.replicas}
    session.run("SET @wye_consistency = 'eventual'")  # a replica may be late with what is written here
    for _ in range(5):
        assert session.value(counted % 3) in replicas
        assert session.value("SELECT FOUND_ROWS()") == 3
        session.value(counted % 3)
        session.run("INSERT INTO kv (v) VALUES ('counted')")
        assert session.value("SELECT ROW_COUNT()") == 1
    session.run("BEGIN")
    assert session.value(counted % 4) == cluster.primary.name
    assert session.value("SELECT FOUND_ROWS()") == 3
    session.run("COMMIT")
    server = session.value("SELECT SQL_CALC_FOUND_ROWS @@server_id FROM whoami LIMIT 1")
    assert server == cluster.primary.number


def test_the_last_statement_is_asked_where_it_ran_though_the_session_is_tied_elsewhere(endpoint, sessions):
    session = sessions(1)[0]
    session.run("SET sql_mode = ''")
    session.run("DELETE FROM kv WHERE v = 'tied'")
    session.run("INSERT INTO kv (v) VALUES ('tied'), ('tied'), ('tied')")
    for _ in range(4):
        session.run("SET @tied = 1")
        assert session.error("INSERT INTO no_such_table VALUES (1)") == 1146
        assert session.value("SELECT CAST('x' AS SIGNED) FROM whoami") == 0
        assert [row[1] for row in session.rows("SHOW WARNINGS")] == [1292]
        session.rows("SELECT id FROM kv WHERE v = 'tied' LIMIT 2")
        assert session.value("SELECT FOUND_ROWS()") == 2


def test_several_statements_in_one_text_answer_in_turn(endpoint, sessions):
    session = sessions(1, client_flag=CLIENT.MULTI_STATEMENTS)[0]
    for _ in range(5):
        with session.connection.cursor() as cursor:
            cursor.execute("SELECT 1; INSERT INTO kv (v) VALUES ('many'); SELECT v FROM kv WHERE id = LAST_INSERT_ID();"
                           "SELECT * FROM no_such_table; SELECT 5")
            assert cursor.fetchall() == ((1,),)
            assert cursor.nextset() and cursor.rowcount == 1
            assert cursor.nextset() and cursor.fetchall() == (("many",),)
            with pytest.raises(pymysql.ProgrammingError) as caught:
                cursor.nextset()
            assert caught.value.args[0] == 1146
        assert session.value("SELECT COUNT(*) FROM whoami") == 1


# --- reading one's own writes ---

def test_a_session_reads_what_it_has_just_written(endpoint, sessions):
    def work(session):
        missed = 0
        for i in range(1000):
            session.run("INSERT INTO kv (v) VALUES (%s)", ["own %d" % i])
            number = session.connection.insert_id()
            missed += session.value("SELECT v FROM kv WHERE id = %s", [number]) != "own %d" % i
        return missed
    assert everywhere(sessions(4), work) == [0] * 4


def test_a_session_reads_what_its_transaction_has_just_committed(endpoint, sessions):
    session = sessions(1)[0]
    for i in range(300):
        session.run("BEGIN")
        session.run("INSERT INTO kv (v) VALUES ('to be committed')")
        number = session.connection.insert_id()
        session.run("UPDATE kv SET v = %s WHERE id = %s", ["committed %d" % i, number])
        session.run("COMMIT")
        assert session.value("SELECT v FROM kv WHERE id = %s", [number]) == "committed %d" % i


def test_a_session_reads_its_own_writes_while_a_replica_applies_late(hurt, wye):
    hurt.lag("replica1", 2)
    try:
        with wye.session() as session:
            for i in range(50):
                session.run("INSERT INTO kv (v) VALUES (%s)", ["late %d" % i])
                number = session.connection.insert_id()
                assert session.value("SELECT v FROM kv WHERE id = %s", [number]) == "late %d" % i
    finally:
        hurt.lag("replica1", 0)


def test_a_table_can_be_read_at_once_after_it_was_created_or_altered(endpoint, sessions):
    session = sessions(1)[0]
    for i in range(20):
        session.run("DROP TABLE IF EXISTS fresh")
        session.run("CREATE TABLE fresh (a INT)")
        assert session.value("SELECT COUNT(*) FROM fresh") == 0
        session.run("ALTER TABLE fresh ADD COLUMN b INT")
        assert session.rows("SELECT b FROM fresh") == []
    session.run("DROP TABLE fresh")
    assert session.error("SELECT COUNT(*) FROM fresh") == 1146


def test_a_schema_can_be_used_at_once_after_it_was_created(endpoint, sessions):
    session = sessions(1)[0]
    for _ in range(10):
        session.run("CREATE DATABASE app_fresh")
        session.run("USE app_fresh")
        session.run("CREATE TABLE t (a INT)")
        assert session.value("SELECT COUNT(*) FROM t") == 0
        session.run("DROP DATABASE app_fresh")
        assert session.error("SELECT COUNT(*) FROM t") == 1046
