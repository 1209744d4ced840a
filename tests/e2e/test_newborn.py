"""What was made a moment ago is there, though no replica knows it yet: tables, columns, schemas, accounts, grants; and what
only a replica has is no reason to wait for it."""

import pytest

from endpoint import wait_until


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "max_lag=10m"]


@pytest.fixture
def late(hurt):
    """Later than any of the tests takes."""
    for replica in ("replica1", "replica2"):
        hurt.lag(replica, 100)
    yield hurt
    for replica in ("replica1", "replica2"):
        hurt.lag(replica, 0)


@pytest.fixture
def root(cluster):
    with cluster.witness.root(cluster.primary) as one:
        yield one


def test_a_table_and_its_new_column_are_read_at_once(late, wye):
    with wye.session() as session, wye.session() as other:
        session.run("CREATE TABLE fresh_table (a INT PRIMARY KEY)")
        try:
            session.run("INSERT INTO fresh_table VALUES (1)")
            assert session.value("SELECT a FROM fresh_table") == 1
            session.run("ALTER TABLE fresh_table ADD b INT DEFAULT 7")
            assert session.value("SELECT b FROM fresh_table") == 7
            # Another session has no position to wait for: the replica does not know the table, the primary does.
            assert other.value("SELECT b FROM fresh_table") == 7
            assert other.rows("SHOW CREATE TABLE fresh_table")
        finally:
            session.run("DROP TABLE fresh_table")


def test_a_schema_is_used_at_once(late, wye):
    with wye.session() as session:
        session.run("CREATE DATABASE app_fresh")
        try:
            session.run("USE app_fresh")
            assert session.value("SELECT DATABASE()") == "app_fresh"
            session.run("CREATE TABLE t (a INT PRIMARY KEY)")
            session.run("INSERT INTO t VALUES (5)")
            assert session.value("SELECT a FROM t") == 5
            with wye.session("app", "app", "app_fresh") as other:
                assert other.value("SELECT a FROM t") == 5
        finally:
            session.run("DROP DATABASE app_fresh")


def test_an_account_is_used_at_once_and_so_is_a_new_grant(late, wye, root):
    root.run("CREATE USER fresh_one@'%' IDENTIFIED BY 'secret'")
    try:
        root.run("GRANT SELECT ON app.* TO fresh_one@'%'")
        with wye.session("fresh_one", "secret", "app") as session:
            assert session.value("SELECT name FROM whoami") == "primary"
        root.run("GRANT SELECT ON app2.* TO fresh_one@'%'")
        with wye.session("fresh_one", "secret", "app2") as session:
            assert session.value("SELECT name FROM app.whoami") == "primary"
    finally:
        root.run("DROP USER fresh_one@'%'")


def write_past_replication(cluster, replica):
    """A transaction of the replica's own, which its position tells and no other server will ever have. MariaDB's would be
    in the way of its primary's: it gets a domain of its own."""
    with cluster.witness.root(replica) as root:
        if cluster.flavor == "mysql":
            root.run("SET GLOBAL super_read_only = 0")
        else:
            root.run("SET gtid_domain_id = 77")
        root.run("CREATE TABLE IF NOT EXISTS app.errant (a INT PRIMARY KEY)")
        if cluster.flavor == "mysql":
            root.run("SET GLOBAL super_read_only = 1")


def test_what_only_one_replica_has_keeps_nobody_from_the_other(hurt, wye):
    write_past_replication(hurt, hurt.replicas[0])
    with wye.session() as session:
        for name in ("replica1", "replica2", "replica1", "replica2"):
            wait_until(lambda: session.value("SELECT name FROM whoami") == name, "a read on " + name)
