"""A semi-synchronous replica shows a transaction before its primary does: who has seen it there does not lose it again."""

import threading

import pytest

from endpoint import wait_until

READ = "SELECT v, (SELECT name FROM whoami) FROM shown WHERE id = 1"
SOURCE = {"enabled": 1, "wait_point": "AFTER_SYNC", "wait_for_replica_count": 2, "timeout": 60000}


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "causal_timeout=30s", "--set", "monitor_interval=100ms", "--set", "slow_start=0"]


class Replication:
    """What each flavor calls the two sides, and how it is switched on; MySQL's are plugins."""

    def __init__(self, cluster):
        self.cluster, self.mysql = cluster, cluster.flavor == "mysql"
        self.source, self.replica = ("source", "replica") if self.mysql else ("master", "slave")

    def _plugin(self, root, server, statement):
        """Nothing of it is replicated, but a server that may not be written refuses it."""
        side = self.source if server.is_primary else self.replica
        if not self.mysql:
            return
        if not server.is_primary:
            root.run("SET GLOBAL super_read_only = 0")
        root.run(statement.format(side=side))
        if not server.is_primary:
            root.run("SET GLOBAL super_read_only = 1")

    def begin(self, replicas):
        for server in self.cluster.servers:
            with self.cluster.witness.root(server) as root:
                self._plugin(root, server, "INSTALL PLUGIN rpl_semi_sync_{side} SONAME 'semisync_{side}.so'")
                if not server.is_primary:
                    root.run("SET GLOBAL rpl_semi_sync_%s_enabled = 1" % self.replica)
                    root.run("STOP REPLICA IO_THREAD")
                    root.run("START REPLICA IO_THREAD")
        with self.cluster.witness.root(self.cluster.primary) as root:
            root.run("SET GLOBAL rpl_semi_sync_%s_wait_point = 'AFTER_SYNC'" % self.source)
            root.run("SET GLOBAL rpl_semi_sync_%s_timeout = 60000" % self.source)
            if self.mysql:
                root.run("SET GLOBAL rpl_semi_sync_source_wait_for_replica_count = %s", [replicas])
            root.run("SET GLOBAL rpl_semi_sync_%s_enabled = 1" % self.source)
            wait_until(lambda: int(root.row("SHOW STATUS LIKE 'Rpl_semi_sync_%s_clients'" % self.source)[1]) == 2,
                       "both replicas to acknowledge")

    def end(self):
        """The replicas first: while one of them takes part, the source's plugin stays."""
        for server in self.cluster.replicas:
            with self.cluster.witness.root(server) as root:
                root.run("SET GLOBAL rpl_semi_sync_%s_enabled = 0" % self.replica)
                root.run("STOP REPLICA")
                self._plugin(root, server, "UNINSTALL PLUGIN rpl_semi_sync_{side}")
                root.run("START REPLICA")
        with self.cluster.witness.root(self.cluster.primary) as root:
            root.run("SET GLOBAL rpl_semi_sync_%s_enabled = 0" % self.source)
            wait_until(lambda: int(root.row("SHOW STATUS LIKE 'Rpl_semi_sync_%s_clients'" % self.source)[1]) == 0,
                       "the replicas to take part no longer")
            self._plugin(root, self.cluster.primary, "UNINSTALL PLUGIN rpl_semi_sync_{side}")
        self.cluster.wait_caught_up()


@pytest.fixture(scope="module", autouse=True)
def semi_sync(cluster):
    """Both replicas must have a transaction before MySQL's primary shows it; one of them, for MariaDB's."""
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.shown (id INT PRIMARY KEY, v INT NOT NULL)")
        root.run("REPLACE INTO app.shown VALUES (1, 0), (2, 0)")
    cluster.wait_caught_up()
    replication = Replication(cluster)
    try:
        replication.begin(2)
        yield cluster
    finally:
        replication.end()


@pytest.fixture
def write_that_waits(hurt):
    """An UPDATE on the primary that the first replica has, and the second does not acknowledge; begun when called."""
    def update():
        with hurt.witness.root(hurt.primary) as root:
            root.run("UPDATE app.shown SET v = 1 WHERE id = 1")
    thread = threading.Thread(target=update)

    def begin():
        hurt.sql("replica2", "STOP REPLICA IO_THREAD")
        thread.start()
    yield begin
    hurt.sql("replica2", "START REPLICA IO_THREAD")
    thread.join(60)


def test_a_session_reads_its_writes_and_never_goes_back(wye):
    with wye.session() as writer, wye.session() as reader:
        highest = 0
        for value in range(1, 101):
            writer.run("UPDATE shown SET v = %s WHERE id = 2", [value])
            assert writer.value("SELECT v FROM shown WHERE id = 2") == value
            seen = reader.value("SELECT v FROM shown WHERE id = 2")
            assert seen >= highest
            highest = seen


# MariaDB's primary waits for one replica only, so that none shows anything early for long.
@pytest.mark.flavor("mysql")
def test_what_a_replica_has_shown_early_is_not_lost_on_the_primary(hurt, wye, write_that_waits):
    replica1, replica2 = hurt.replicas
    with wye.session() as session:
        write_that_waits()
        wait_until(lambda: tuple(session.row(READ)) == (1, "replica1"), "the replica to show the new value")
        with hurt.witness.root(hurt.primary) as root:
            assert root.value("SELECT v FROM app.shown") == 0
        hurt.sql(replica1, "STOP REPLICA SQL_THREAD")
        wait_until(lambda: not wye.takes_reads(replica1) and not wye.takes_reads(replica2), "both to leave the pool")
        threading.Timer(1, hurt.sql, [replica2, "START REPLICA IO_THREAD"]).start()
        assert session.value("SELECT v FROM shown WHERE id = 1") == 1
