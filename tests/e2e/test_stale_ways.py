"""However something was written, and whatever the client was told of it: the session's next read does not miss it.

The replicas are a second late, so that a read which runs there without having to wait misses it for certain.
"""

import pytest

IN_NEW, IN_OLD = "SELECT COUNT(*) FROM ways WHERE id = {n}", "SELECT COUNT(*) FROM old_ways WHERE id = {n}"

# What is run, and in what order; a number stands for the error that the statement before it must end in. Each writes a row
# of this number {n}, which must be seen then. old_ways knows no transactions.
WAYS = {
    "a row before a duplicate": (["INSERT INTO old_ways VALUES ({n}), ({n})", 1062], IN_OLD),
    "a row before a duplicate, in a transaction":
        (["BEGIN", "INSERT INTO old_ways VALUES ({n}), ({n})", 1062, "ROLLBACK"], IN_OLD),
    "another BEGIN": (["BEGIN", "INSERT INTO ways VALUES ({n})", "BEGIN", "ROLLBACK"], IN_NEW),
    "a lock that cannot be had": (["BEGIN", "INSERT INTO ways VALUES ({n})", "LOCK TABLES no_such WRITE", 1146, "ROLLBACK"],
                                  IN_NEW),
    "a lock": (["BEGIN", "INSERT INTO ways VALUES ({n})", "LOCK TABLES old_ways READ", "UNLOCK TABLES"], IN_NEW),
    "autocommit": (["SET autocommit=0", "INSERT INTO ways VALUES ({n})", "SET autocommit=1"], IN_NEW),
    "a chain": (["BEGIN", "INSERT INTO ways VALUES ({n})", "COMMIT AND CHAIN", "ROLLBACK"], IN_NEW),
    "XA": (["XA START 'w'", "INSERT INTO ways VALUES ({n})", "XA END 'w'", "XA PREPARE 'w'", "XA COMMIT 'w'"], IN_NEW),
    "XA in one phase": (["XA START 'w'", "INSERT INTO ways VALUES ({n})", "XA END 'w'", "XA COMMIT 'w' ONE PHASE"], IN_NEW),
    "a prepared text": (["PREPARE w FROM 'INSERT INTO ways VALUES ({n})'", "EXECUTE w", "DEALLOCATE PREPARE w"], IN_NEW),
    "a function": (["SELECT ways_write({n})"], IN_NEW),
    "a function, before it fails": (["SELECT ways_write_old({n}) FROM old_ways_two", 1062], IN_OLD),
    "a procedure": (["CALL ways_call({n})"], IN_NEW),
    "a procedure that fails": (["CALL ways_fail({n})", 1644], IN_NEW),
    "a trigger": (["INSERT INTO ways_before VALUES ({n})"], IN_NEW),
    "a definition with rows": (["DROP TABLE IF EXISTS ways_new", "CREATE TABLE ways_new SELECT {n} AS id"],
                               "SELECT COUNT(*) FROM ways_new WHERE id = {n}"),
    "a definition that fails": (["BEGIN", "INSERT INTO ways VALUES ({n})", "DROP TABLE no_such", 1051], IN_NEW),
    "an analysis": (["BEGIN", "INSERT INTO ways VALUES ({n})", "ANALYZE TABLE ways", "ROLLBACK"], IN_NEW),
    "a write, and one of no row": (["INSERT INTO ways VALUES ({n})", "DELETE FROM ways WHERE id = {n}5"], IN_NEW),
    "a write, and one that fails": (["INSERT INTO ways VALUES ({n})", "INSERT INTO ways VALUES ({n})", 1062], IN_NEW),
    "a write, and no statement": (["INSERT INTO ways VALUES ({n})", "SELEKT 1", 1064], IN_NEW),
    "a failure, and no write": (["CALL ways_fail({n})", 1644, "DELETE FROM ways WHERE id = {n}5", "SET @@sql_notes=0"], IN_NEW),
}
# MySQL refuses to mix the two kinds of tables.
MIXED = (["BEGIN", "INSERT INTO ways VALUES ({n})", "INSERT INTO old_ways VALUES ({n})", "ROLLBACK"], IN_OLD)


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("USE app")
        for name, engine in (("ways", "InnoDB"), ("ways_before", "InnoDB"), ("old_ways", "MyISAM"), ("old_ways_two", "MyISAM")):
            root.run("CREATE TABLE IF NOT EXISTS %s (id INT PRIMARY KEY) ENGINE=%s" % (name, engine))
        root.run("REPLACE INTO old_ways_two VALUES (1), (2)")
        for kind, name in (("FUNCTION", "ways_write"), ("FUNCTION", "ways_write_old"), ("PROCEDURE", "ways_call"), ("PROCEDURE", "ways_fail"),
                           ("TRIGGER", "ways_trigger")):
            root.run("DROP %s IF EXISTS %s" % (kind, name))
        for function, table in (("ways_write", "ways"), ("ways_write_old", "old_ways")):
            root.run("CREATE FUNCTION %s(n INT) RETURNS INT MODIFIES SQL DATA BEGIN"
                     " INSERT INTO %s VALUES (n); RETURN n; END" % (function, table))
        root.run("CREATE PROCEDURE ways_call(n INT) INSERT INTO ways VALUES (n)")
        root.run("CREATE PROCEDURE ways_fail(n INT) BEGIN INSERT INTO ways VALUES (n); SIGNAL SQLSTATE '45000'; END")
        root.run("CREATE TRIGGER ways_trigger AFTER INSERT ON ways_before FOR EACH ROW INSERT INTO ways VALUES (NEW.id)")
    cluster.wait_caught_up()


@pytest.fixture(scope="module")
def late(cluster, tables):
    """Both replicas, for the whole of the module."""
    for replica in cluster.replicas:
        cluster.lag(replica, 1)
    yield cluster
    for replica in cluster.replicas:
        cluster.lag(replica, 0)


def run_all(session, statements):
    for at, statement in enumerate(statements):
        following = statements[at + 1] if at + 1 < len(statements) else None
        if isinstance(following, int):
            assert session.error(statement) == following, statement
        elif isinstance(statement, str):
            session.rows(statement)


def writes_and_sees(wye, number, statements, read):
    with wye.session() as session:
        run_all(session, [one.format(n=number) if isinstance(one, str) else one for one in statements])
        assert session.value(read.format(n=number)) == 1


@pytest.mark.parametrize("way", WAYS)
def test_what_was_written_is_seen(late, wye, way):
    writes_and_sees(wye, 1000 + list(WAYS).index(way), *WAYS[way])


@pytest.mark.flavor("mariadb")
def test_what_a_rollback_leaves_is_seen(late, wye):
    writes_and_sees(wye, 999, *MIXED)
