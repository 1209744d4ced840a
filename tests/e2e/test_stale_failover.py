"""What a failover has lost is waited for by nobody afterwards: no server will ever have it."""

import pytest

from conftest import start_wye
from endpoint import wait_until
from servers_seen import Witness
from wye_cluster import Cluster

READ = "SELECT v, (SELECT name FROM whoami) FROM lost WHERE id = 1"
KEYED = "/* wye: causal_key=lost */ "


@pytest.fixture
def own(cluster, tmp_path):
    """A cluster whose primary may die for good."""
    with Cluster(cluster.flavor, replicas=2, directory=tmp_path / "cluster") as one:
        one.witness = Witness(one)
        with one.witness.root(one.primary) as root:
            root.run("CREATE TABLE app.lost (id INT PRIMARY KEY, v INT NOT NULL)")
            root.run("INSERT INTO app.lost VALUES (1, 0), (2, 0)")
        one.wait_caught_up()
        yield one


def replace_primary(cluster):
    """Somebody else makes the first replica the primary, which lacks what the old one has written last."""
    new, other = cluster.replicas
    cluster.kill("primary")
    writable = ["SET GLOBAL super_read_only = 0"] if cluster.flavor == "mysql" else []
    for statement in ["RESET REPLICA ALL", *writable, "SET GLOBAL read_only = 0"]:
        cluster.sql(new, statement)
    cluster.sql(other, cluster.kind.replicate_sql(new))
    return new


def test_a_session_whose_write_was_lost_reads_on_replicas_again(own, tmp_path, wye_binary):
    wye = start_wye(own, tmp_path / "wye")
    try:
        with wye.session() as session, wye.session() as keyed:
            for replica in own.replicas:
                own.sql(replica, "STOP REPLICA")
            session.run("UPDATE lost SET v = 1 WHERE id = 1")
            keyed.run(KEYED + "UPDATE lost SET v = 1 WHERE id = 2")
            assert session.row(READ) == (1, "primary")
            assert keyed.row(KEYED + READ) == (1, "primary")
            new = replace_primary(own)
            wait_until(lambda: wye.servers()[new.address]["role"] == "primary", "wye to follow the new primary")
            wye.wait_pool(own.replicas[1:])
            wait_until(lambda: session.row(READ) == (0, "replica2"), "its reads to run on the replica")
            wait_until(lambda: keyed.row(KEYED + READ) == (0, "replica2"), "those with its key to run there, too")
            before = wye.console("SELECT SUM(waits_late) AS n FROM stats_workers")[0]["n"]
            assert {session.row(READ) for _ in range(20)} == {(0, "replica2")}
            assert wye.console("SELECT SUM(waits_late) AS n FROM stats_workers")[0]["n"] == before
            session.run("UPDATE lost SET v = 2 WHERE id = 1")
            assert session.row(READ)[0] == 2
        wye.finish()
    finally:
        wye.kill()
