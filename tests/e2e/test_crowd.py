"""Two thousand clients over forty connections per server: no error, and nobody sees anybody else's settings."""

import os
import threading

import pytest

from crowd import Crowd, prepare

LONG = int(os.environ.get("WYE_LONG", "0"))
CLIENTS = int(os.environ.get("WYE_CLIENTS", "2000"))
STATEMENTS = 10 + 10 * LONG
CONNECTIONS = 40


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "server_max_connections=%d" % CONNECTIONS, "--set", "queue_timeout=60s"]


class Census:
    """Counts the connections of the clients' account on every server, again and again, from a thread of its own."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.most = {server.name: 0 for server in cluster.servers}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)

    def _count(self):
        while not self._stop.wait(0.1):
            for server in self.cluster.servers:
                with self.cluster.witness.root(server) as root:
                    now = sum(row[1] == "app" for row in root.rows("SHOW PROCESSLIST"))
                self.most[server.name] = max(self.most[server.name], now)


def test_two_thousand_clients_share_forty_connections_and_no_state(wye, cluster):
    prepare(cluster)
    crowd = Crowd(wye, CLIENTS, STATEMENTS)
    with Census(cluster) as census:
        crowd.run()
    crowd.check_written(cluster)
    assert not crowd.wrong, "%d are wrong, the first: %s" % (len(crowd.wrong), "\n".join(crowd.wrong[:10]))
    assert all(0 < most <= CONNECTIONS for most in census.most.values()), census.most
    pools = [row for row in wye.console("SELECT * FROM stats_pools WHERE user = 'app'")]
    assert all(row["reused"] > row["opened"] for row in pools), pools
