"""Rules that mirror: copies of reads go to another server, and nobody notices.

The other server stands alone, with accounts and a table of its own. Its general log tells what came to it.
"""

import re

import pymysql
import pytest

from conftest import start_wye
from endpoint import wait_until
from servers_seen import Witness
from wire_client import VAR_STRING, lenenc
from wye_cluster import Cluster

WHERE = "SELECT name FROM whoami"


class Other:
    """The server that is mirrored to."""

    def __init__(self, cluster, directory):
        self.server, self.witness = cluster.primary, Witness(cluster)
        self.path = directory / "other.general"
        with self.root() as root:
            root.run("SET GLOBAL general_log_file = %s", [str(self.path)])
            root.run("SET GLOBAL log_output = 'FILE'")
            root.run("SET GLOBAL general_log = 1")

    def root(self):
        return self.witness.root(self.server)

    def log(self):
        return self.path.read_text(errors="replace")

    def saw(self, mark):
        return self.log().count(mark)


@pytest.fixture(scope="module")
def wye(cluster, other, tmp_path_factory):
    """With the other server among its own, where it is out of the pool."""
    one = start_wye(cluster, tmp_path_factory.mktemp("wye"), "--threads", "1", "--server",
                    other.server.address + ",role=mirror", "--set", "mirror_connections=2")
    try:
        yield one
        one.finish()
    finally:
        one.kill()


@pytest.fixture(scope="module")
def other(cluster, tmp_path_factory):
    with Cluster(cluster.flavor, replicas=0, directory=tmp_path_factory.mktemp("other")) as alone:
        yield Other(alone, tmp_path_factory.mktemp("log"))


@pytest.fixture
def session(wye, flavor):
    with wye.session(tls=flavor == "mysql") as one:
        yield one


@pytest.fixture
def mirrored(wye, other):
    """A rule that mirrors, and what stats_rules says of it."""
    def write(**columns):
        columns = {"id": 10, "mirror": other.server.address, **columns}
        wye.console("INSERT INTO rules (%s) VALUES (%s)" % (
            ", ".join(columns), ", ".join("'%s'" % value for value in columns.values())))
        return counts

    def counts():
        return wye.console("SELECT * FROM stats_rules WHERE id = 10")[0]

    yield write
    wye.console("DELETE FROM rules")
    wye.console("ROLLBACK")


def all_of(counts, n):
    """Until so many statements have met their end, one way or another."""
    def there():
        row = counts()
        return sum(row[name] for name in ("mirrored", "mirror_errors", "mirror_dropped", "mirror_unfit")) == n and row
    return wait_until(there, "%d copies to be accounted for" % n)


def test_reads_are_copied_and_their_answers_forgotten(session, mirrored, other):
    counts = mirrored(match_digest="whoami")
    assert {session.value(WHERE + " /* copy one */") for _ in range(20)} <= {"replica1", "replica2"}
    row = all_of(counts, 20)
    assert (row["hits"], row["changed"], row["mirrored"], row["mirror_why"]) == (20, 20, 20, "")
    assert other.saw("copy one") == 20


def test_a_copy_begins_in_the_state_of_its_session(session, mirrored, other):
    counts = mirrored(match_pattern="CONCAT")
    with other.root() as root:
        root.run("CREATE TABLE IF NOT EXISTS app.states (state VARCHAR(200))")
    session.run("SET time_zone = '+05:00', @mine = 'kept'")
    session.run("USE app")
    # An error tells: the copy fails where the session's own variables are missing.
    for statement in ("SELECT CONCAT(@mine, @@time_zone)", "SELECT 1 FROM whoami WHERE CONCAT(@@time_zone) = '+05:00'"):
        session.rows(statement)
    row = all_of(counts, 2)
    assert (row["mirrored"], row["mirror_errors"]) == (2, 0), row
    log = other.log()
    assert "+05:00" in log and "kept" in log and "READ ONLY" in log


def test_prepared_statements_are_copied_with_their_parameters(client, wye, mirrored, other, flavor):
    one = client()
    counts = mirrored(match_digest="whoami")
    number, _, _ = one.prepare("SELECT name FROM whoami WHERE 'given' = ? OR 'copy two' = ?")
    for value in ("copy two", "given", "copy two"):
        assert one.execute(number, 0, [VAR_STRING, VAR_STRING], [lenenc(value), lenenc(value)])["rows"]
    row = all_of(counts, 3)
    assert (row["mirrored"], row["mirror_why"]) == (3, "")
    assert len(re.findall(r"Execute.*WHERE 'given' = 'copy two' OR", other.log())) == 2


def test_what_is_no_read_that_may_run_elsewhere_is_never_copied(session, mirrored, other):
    session.run("CREATE TABLE IF NOT EXISTS copied (id INT PRIMARY KEY, v INT)")
    counts = mirrored(match_pattern="not copied")
    session.run("REPLACE INTO copied VALUES (1, 1) /* not copied */")
    session.rows("SELECT * FROM copied FOR UPDATE /* not copied */")
    session.run("SET @not_there = 1 /* not copied */")
    session.run("BEGIN /* not copied */")
    session.rows("SELECT * FROM copied /* not copied */")
    session.run("COMMIT /* not copied */")
    session.run("CREATE TEMPORARY TABLE own_one (id INT) /* not copied */")
    session.rows("SELECT * FROM own_one /* not copied */")
    session.run("INSERT INTO own_one VALUES (1)")
    session.rows("SELECT LAST_INSERT_ID() /* not copied */")
    row = wait_until(lambda: counts()["hits"] >= 9 and counts(), "the counts")
    assert row["mirrored"] == row["mirror_dropped"] == row["changed"] == 0
    assert all(word in row["mirror_why"] for word in ("no-read", "in-transaction 1", "bound-to-connection"))
    assert not other.saw("not copied")
    with other.root() as root:
        assert root.value("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'copied'") == 0


def test_no_copy_can_write_whatever_it_calls(session, mirrored, other):
    with other.root() as root:
        root.run("SET GLOBAL log_bin_trust_function_creators = 1")
        root.run("CREATE TABLE IF NOT EXISTS app.written (id INT)")
        root.run("CREATE OR REPLACE VIEW app.whoami_too AS SELECT 1" if other.server is None else "DO 0")
        root.run("DROP FUNCTION IF EXISTS app.reads_here")
        root.run("CREATE FUNCTION app.reads_here() RETURNS INT BEGIN INSERT INTO app.written VALUES (1); RETURN 1; END")
        root.run("GRANT ALL ON app.* TO app")
    session.run("DROP FUNCTION IF EXISTS reads_here")
    session.run("CREATE FUNCTION reads_here() RETURNS INT DETERMINISTIC NO SQL RETURN 2")
    counts = mirrored(match_digest="reads_here")
    wait_until(lambda: [session.value("SELECT reads_here()")] and counts()["changed"], "the function to be known")
    row = wait_until(lambda: counts()["mirror_errors"] and counts(), "the copy to be refused")
    assert "error" in row["mirror_why"]
    with other.root() as root:
        assert root.value("SELECT COUNT(*) FROM app.written") == 0


def test_a_dry_run_only_counts(session, mirrored, other):
    counts = mirrored(match_digest="whoami", dry_run=1)
    for _ in range(5):
        session.value(WHERE + " /* dry */")
    row = counts()
    assert (row["hits"], row["changed"], row["mirrored"]) == (5, 5, 0) and not other.saw("/* dry */")


def test_errors_of_the_copy_are_counted_and_nobody_elses(session, mirrored):
    session.run("CREATE TABLE IF NOT EXISTS only_here (id INT)")
    counts = mirrored(match_digest="only_here")
    assert session.rows("SELECT * FROM only_here") == []
    row = all_of(counts, 1)
    assert (row["mirror_errors"], row["mirror_why"]) == (1, "error 1")


def test_a_slow_mirror_delays_nobody_and_what_does_not_fit_is_dropped(wye, session, mirrored, other):
    with other.root() as root:
        root.run("CREATE TABLE IF NOT EXISTS app.held (id INT)")
        session.run("CREATE TABLE IF NOT EXISTS held (id INT)")
        wye.console("SET mirror_queue = 5")
        counts = mirrored(match_digest="held")
        root.run("LOCK TABLES app.held WRITE")
        for _ in range(30):
            assert session.rows("SELECT * FROM held") == []
        row = wait_until(lambda: counts()["mirror_dropped"] and counts(), "copies to be dropped")
        assert row["hits"] == 30 and row["mirrored"] == 0 and row["mirror_why"].startswith("queue-full ")
        root.run("UNLOCK TABLES")
        row = all_of(counts, 30)
        assert row["mirrored"] >= 5 and row["mirror_errors"] == 0
        wye.console("SET mirror_timeout = '1s'")
        root.run("LOCK TABLES app.held WRITE")
        session.rows("SELECT * FROM held")
        wait_until(lambda: "stopped 1" in counts()["mirror_why"], "the copy to be stopped")
        root.run("UNLOCK TABLES")
    wye.console("SET mirror_queue = DEFAULT")
    wye.console("SET mirror_timeout = DEFAULT")


def test_explain_route_tells_of_the_mirror(wye, mirrored, other):
    mirrored(**{"class": "replica", "continue": 1})
    row = wye.console("EXPLAIN ROUTE " + WHERE)[0]
    assert row["rules"] == "10 mirror=%s" % other.server.address
    mirrored(id=20)
    row = wye.console("EXPLAIN ROUTE DELETE FROM whoami")[0]
    assert row["rules"] == "20 mirror=%s (not mirrored: no-read) (changes nothing)" % other.server.address


@pytest.mark.parametrize("columns, says", [
    ({"mirror": "nowhere"}, "mirror of rule 10 is 'nowhere'; allowed: HOST:PORT of a row of servers"),
    ({"mirror": "db9.example.com:1"}, "which is no server; allowed: a row of servers (SHOW SERVERS)"),
    ({"deny": "no"}, "can have no route, timeout, max_lag, consistency, rewrite or mirror"),
])
def test_what_is_not_allowed_is_refused_with_its_place(wye, mirrored, columns, says):
    with pytest.raises(pymysql.MySQLError) as error:
        mirrored(**columns)
    assert says in error.value.args[1]


def test_a_slip_is_told_the_nearest_server_and_a_mirror_keeps_its_server(wye, mirrored, other):
    with pytest.raises(pymysql.MySQLError) as error:
        mirrored(mirror=other.server.address[:-1])
    assert "did you mean '127.0.0.1:" in error.value.args[1]
    mirrored()
    exported = "\n".join(str(list(row.values())[0]) for row in wye.console("EXPORT CONFIG"))
    assert "mirror" in exported and other.server.address in exported
    assert [row["mirror"] for row in wye.console("SELECT mirror FROM rules")] == [other.server.address]
    wye.console("INSERT INTO servers (server, role) VALUES ('127.0.0.1:9', 'mirror')")
    wye.console("UPDATE rules SET mirror = '127.0.0.1:9'")
    with pytest.raises(pymysql.MySQLError) as error:
        wye.console("DELETE FROM servers WHERE server = '127.0.0.1:9'")
    assert "mirror of rule 10 is '127.0.0.1:9', which is no server" in error.value.args[1]
    wye.console("DELETE FROM rules")
    wye.console("DELETE FROM servers WHERE server = '127.0.0.1:9'")
    assert not [row for row in wye.console("SELECT * FROM mysql_servers") if row["port"] in (9, other.server.port)]


def test_the_counts_are_there_for_prometheus_and_as_json(wye, session, mirrored):
    counts = mirrored(match_digest="whoami")
    session.value(WHERE)
    all_of(counts, 1)
    assert 'wye_rule_mirror_total{rule="10",outcome="mirrored"} 1' in wye.get("/metrics")[1]
    assert '"mirrored": 1' in wye.get("/api/v1/stats_rules")[1].replace('":', '": ').replace(":  ", ": ")
    assert any(row["mirrors"] == 1 for row in wye.console("SELECT * FROM stats_pools"))


def test_a_dead_mirror_costs_nothing(wye, session, mirrored, other):
    """The last test: the other server is gone for good."""
    counts = mirrored(match_digest="whoami")
    session.value(WHERE)
    all_of(counts, 1)
    other.witness.cluster.kill(other.server)
    for _ in range(50):
        assert session.value(WHERE)
    row = all_of(counts, 51)
    assert row["mirrored"] == 1 and row["mirror_dropped"] + row["mirror_errors"] == 50
    wait_until(lambda: wye.servers()[other.server.address]["state"] == "down", "wye to see it")
    session.value(WHERE)
    assert "server-down" in wait_until(lambda: counts()["mirror_dropped"] and counts(), "it")["mirror_why"]
