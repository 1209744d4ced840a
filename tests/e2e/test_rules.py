"""Rules: what they match, what they do, and what they cannot do, on live servers."""

import collections
import contextlib

import pymysql
import pytest

from endpoint import wait_until
from wire_client import Reader, ServerError, VAR_STRING, lenenc

WHERE = "SELECT name FROM whoami"
LONG = ("SELECT COUNT(*) FROM ruled a, ruled b, ruled c, ruled d, ruled e, ruled f, ruled g"
        " WHERE CONCAT(a.v, b.v, c.v) <> CONCAT(d.v, e.v, f.v, g.v)")
DENIED = 1148


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.ruled (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(100))")
        root.run("INSERT INTO app.ruled (v) VALUES " + ", ".join("('row')" for _ in range(100)))
        root.run("CREATE TABLE IF NOT EXISTS app.ruled2 (id INT PRIMARY KEY, v VARCHAR(100))")
        root.run("REPLACE INTO app.ruled2 VALUES (1, 'two')")
    cluster.wait_caught_up()


@pytest.fixture
def rules(wye):
    """Writes rules, in order; they are gone after the test."""
    def write(*rows):
        for i, row in enumerate(rows):
            row = {"id": 10 * (i + 1), **row}
            wye.console("INSERT INTO rules (%s) VALUES (%s)" % (
                ", ".join(row), ", ".join(quoted(value) for value in row.values())))
        return lambda: {row["id"]: row for row in wye.console("SELECT * FROM stats_rules")}
    yield write
    wye.console("DELETE FROM rules")


def quoted(value):
    return str(value) if isinstance(value, int) else "'%s'" % value.replace("\\", "\\\\").replace("'", "''")


@pytest.fixture
def session(wye, flavor):
    with wye.session(tls=flavor == "mysql") as one:
        yield one


def where(session, times=12, statement=WHERE):
    return collections.Counter(session.value(statement) for _ in range(times))


def test_a_route_moves_reads(session, rules, cluster):
    counts = rules({"match_digest": "^SELECT name", "route": "primary"})
    assert set(where(session)) == {"primary"}
    row = counts()[10]
    assert (row["hits"], row["changed"], row["failed"]) == (12, 12, 0)
    replica = cluster.replicas[1]
    rules({"id": 5, "user": "app", "schema": "app", "class": "replica", "route": replica.address})
    assert set(where(session)) == {replica.name}
    assert counts()[10]["hits"] == 12


def test_everything_a_rule_asks_for_must_be_so(session, rules):
    others = [{"user": "other"}, {"schema": "other"}, {"client": "10.0.0.0/8"}, {"client": "unix"},
              {"class": "primary"}, {"digest": "0123456789abcdef"}, {"match_digest": "SELECT \\? FROM"},
              {"match_pattern": "(?-i)select"}, {"enabled": 0}]
    counts = rules(*[{**other, "deny": "no"} for other in others],
                   {"user": "app", "schema": "app", "client": "127.0.0.0/8", "match_pattern": "from whoami$",
                    "match_digest": "^SELECT `?name`? FROM", "class": "replica", "route": "primary"})
    assert set(where(session)) == {"primary"}
    assert {number: row["hits"] for number, row in counts().items() if row["hits"]} == {100: 12}


def test_a_digest_found_in_explain_route_is_what_a_rule_matches(wye, session, rules):
    digest = wye.console("EXPLAIN ROUTE " + WHERE)[0]["digest"]
    rules({"digest": digest, "deny": "not that one"})
    assert session.error(WHERE + " -- with a comment") == DENIED
    assert session.value("SELECT name FROM whoami WHERE 1 = 1")


def test_what_is_denied_reaches_no_server_and_ends_nothing(wye, session, rules):
    rules({"match_digest": "^(DELETE|DROP|TRUNCATE) ", "deny": "deletes are not for applications"})
    session.run("BEGIN")
    session.run("INSERT INTO ruled (v) VALUES ('kept')")
    for statement in ("DELETE FROM ruled", "/* x */ drop table ruled2", "TRUNCATE ruled"):
        with pytest.raises(pymysql.MySQLError) as error:
            session.run(statement)
        assert error.value.args == (DENIED, "deletes are not for applications")
    assert session.row("SHOW WARNINGS") == ("Error", DENIED, "deletes are not for applications")
    session.run("COMMIT")
    assert session.value("SELECT COUNT(*) FROM ruled WHERE v = 'kept'") == 1
    assert session.value("SELECT COUNT(*) FROM ruled2") == 1
    routes = wye.console("SELECT statements FROM stats_routes WHERE route = 'deny' AND reason = 'rule'")
    assert routes[0]["statements"] >= 3


def prepared_value(one, number, arguments=()):
    """The first column, a text, of the row that an execution gives."""
    row = one.execute(number, 0, [VAR_STRING] * len(arguments), [lenenc(text) for text in arguments])["rows"][0]
    reader = Reader(row)
    reader.take(1 + (1 + 9) // 8)
    return reader.text().decode()


def test_prepared_statements_are_matched_when_prepared_and_when_executed(client, rules, wye):
    one = client()
    number, _, _ = one.prepare("SELECT name FROM whoami WHERE id < ?")
    assert prepared_value(one, number, ["9"])
    counts = rules({"match_pattern": "whoami", "deny": "no"})
    for refused in (lambda: one.execute(number, 0, [VAR_STRING], [lenenc("9")]),
                    lambda: one.prepare("SELECT name FROM whoami")):
        with pytest.raises(ServerError) as error:
            refused()
        assert error.value.code == DENIED
    assert counts()[10]["hits"] == 2
    wye.console("UPDATE rules SET deny = NULL, route = 'primary'")
    assert {prepared_value(one, number, ["9"]) for _ in range(6)} == {"primary"}


@pytest.mark.parametrize("named", [False, True])
def test_no_rule_moves_a_write_or_a_transaction(session, rules, cluster, named):
    rules({"route": cluster.replicas[0].address if named else "replica"})
    session.run("INSERT INTO ruled (v) VALUES ('x')")
    session.row("SELECT * FROM ruled LIMIT 1 FOR UPDATE")
    session.run("BEGIN")
    session.run("INSERT INTO ruled (v) VALUES ('y')")
    assert set(where(session, 3)) == {"primary"}
    session.run("ROLLBACK")
    session.run("CREATE TEMPORARY TABLE own_one (name VARCHAR(20))")
    session.run("INSERT INTO own_one SELECT name FROM whoami")
    assert session.value("SELECT name FROM own_one") == "primary"


def test_the_first_that_matches_is_the_last_unless_it_continues(session, rules):
    counts = rules({"match_digest": "whoami", "timeout": "20s", "continue": 1},
                   {"match_digest": "whoami", "route": "primary"},
                   {"deny": "never"})
    assert set(where(session)) == {"primary"}
    assert [counts()[number]["hits"] for number in (10, 20, 30)] == [12, 12, 0]
    assert session.error("SELECT 1") == DENIED


def test_a_hint_counts_more_than_a_rule(session, rules):
    rules({"class": "replica", "route": "replica"})
    assert set(where(session, statement="SELECT /* wye: primary */ name FROM whoami")) == {"primary"}


def test_a_dry_run_only_counts_and_ends_nothing(session, rules):
    counts = rules({"match_digest": "whoami", "deny": "no", "dry_run": 1},
                   {"class": "replica", "route": "primary", "dry_run": 1},
                   {"match_digest": "whoami", "route": "replica", "dry_run": 1},
                   {"match_pattern": "whoami", "rewrite": "nowhere", "dry_run": 1},
                   {"match_digest": "whoami", "comment": "does nothing"})
    assert "primary" not in where(session)
    assert {number: (row["hits"], row["changed"]) for number, row in counts().items()} == {
        10: (12, 12), 20: (12, 12), 30: (12, 12), 40: (12, 12), 50: (12, 0)}


def test_a_timeout_stops_what_takes_longer(wye, session, rules, flavor):
    rules({"match_digest": "COUNT", "timeout": "200ms"})
    assert session.error(LONG) == (1969 if flavor == "mariadb" else 3024)
    assert session.value(WHERE)


def test_consistency_and_lag_of_a_rule_are_as_those_of_a_hint(session, rules, wye, cluster):
    counts = rules({"match_digest": "whoami", "consistency": "primary"})
    assert set(where(session)) == {"primary"}
    wye.console("UPDATE rules SET consistency = NULL, max_lag = '1us'")
    assert counts()[10]["hits"] == 0  # another rule
    assert session.value(WHERE)


def test_a_rewrite_changes_text_route_and_digest(session, rules, client, cluster):
    counts = rules({"match_pattern": "\\bruled\\b", "rewrite": "ruled2", "continue": 1},
                   {"match_digest": "ruled2", "timeout": "20s"})
    assert session.rows("SELECT v FROM ruled WHERE id = 1 AND 'x' = 'x'") == [("two",)]
    assert session.run("UPDATE ruled SET v = 'changed' WHERE id = 1") == 1
    assert session.value("SELECT v FROM app.ruled2") == "changed"
    session.run("UPDATE ruled SET v = 'two'")
    assert counts()[20]["hits"] == 4
    cluster.wait_caught_up()  # for another session
    one = client()
    number, _, _ = one.prepare("SELECT v FROM ruled WHERE 'x' = ?")
    assert [prepared_value(one, number, ["x"]) for _ in range(3)] == ["two"] * 3
    # A read that becomes a write runs where writes do.
    rules({"id": 5, "match_pattern": "^make a row$", "rewrite": "INSERT INTO ruled (v) VALUES ('made')"})
    assert session.run("make a row") == 1
    rules({"id": 6, "user": "nobody"})
    assert session.value("SELECT COUNT(*) FROM `ruled2`") == 1


def test_a_pattern_without_end_is_no_match_and_is_counted(session, rules):
    counts = rules({"match_pattern": "(a|aa)+$", "deny": "no"})
    assert session.value("SELECT '%sb'" % ("a" * 200))
    assert (counts()[10]["hits"], counts()[10]["failed"]) == (0, 1)


def test_a_rule_that_logs_tells_who_and_where_and_no_text(wye, session, rules):
    rules({"match_digest": "whoami", "log": 1})
    session.value("SELECT name FROM whoami WHERE name <> 'a secret'")
    line = wait_until(lambda: [one for one in wye.log().splitlines() if " rule session=" in one], "the line")[-1]
    assert " rule=10 user=app client=127.0.0.1:" in line and "route=replica" in line
    assert "secret" not in wye.log()


@pytest.mark.parametrize("row, says", [
    ({"match_pattern": "a(b"}, "match_pattern of rule 10 is 'a(b'; missing closing parenthesis, at byte 4"),
    ({"class": "write"}, "class of rule 10 is 'write'; allowed: replica, primary"),
    ({"timeout": "soon"}, "timeout of rule 10 is 'soon'; allowed: a time"),
    ({"client": "10.0.0.1/8"}, "client of rule 10 is '10.0.0.1/8'; bits of the address lie outside"),
    ({"rewrite": "x"}, "rewrite of rule 10 is 'x'; allowed: with a match_pattern"),
    ({"match_pattern": "a", "rewrite": "$1"}, "the pattern has no such group"),
])
def test_what_is_not_allowed_is_refused_with_its_place(wye, rules, row, says):
    with pytest.raises(pymysql.MySQLError) as error:
        rules(row)
    assert says in error.value.args[1]
    assert wye.console("SELECT * FROM rules") == []


def test_rules_are_part_of_one_transaction(wye, session):
    with contextlib.closing(pymysql.connect(host="127.0.0.1", port=wye.admin_port, user="admin")) as console:
        with console.cursor() as cursor:
            cursor.execute("INSERT INTO rules (deny) VALUES ('nothing may run')")
            cursor.execute("INSERT INTO rules (user, route) VALUES ('app', 'primary')")
            cursor.execute("SELECT id, route FROM rules ORDER BY id")
            assert cursor.fetchall() == ((10, None), (20, "primary"))
            assert session.value(WHERE)
            cursor.execute("UPDATE rules SET enabled = 0 WHERE id = 10")
            console.commit()
            assert set(where(session)) == {"primary"}
            cursor.execute("DELETE FROM rules")
            console.rollback()
            assert set(where(session)) == {"primary"}
            cursor.execute("DELETE FROM rules")
            console.commit()
    assert "primary" not in where(session)
