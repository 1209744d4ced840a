"""The clusters that everything else is tested on, through the command line that people use.

    /usr/bin/python3 -m pytest tests/servers [--flavor mariadb,mysql]
"""

import json
import os
import pathlib
import socket
import subprocess
import time

import pytest

COMMAND = str(pathlib.Path(__file__).with_name("cluster"))


class CommandLine:
    """tests/servers/cluster with a state folder of its own."""

    def __init__(self, flavor, state):
        self.flavor = flavor
        self.environment = {**os.environ, "WYE_STATE": str(state)}

    def run(self, *words):
        return subprocess.run([COMMAND, *words], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                              encoding="utf-8", timeout=300)

    def __call__(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def status(self, name):
        return next(row for row in json.loads(self("status", "--json")) if row["name"] == name)

    def until(self, name, **wanted):
        """Wait until a server's status holds what is wanted."""
        deadline = time.monotonic() + 30
        while not wanted.items() <= self.status(name).items():
            assert time.monotonic() < deadline, (wanted, self.status(name))
            time.sleep(0.05)

    def count(self, server):
        return self("sql", server, "SELECT COUNT(*) FROM app.t")

    def until_count(self, server, wanted):
        deadline = time.monotonic() + 30
        while self.count(server) != wanted:
            assert time.monotonic() < deadline, "%s has %s rows, not %s" % (server, self.count(server), wanted)
            time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(request, tmp_path_factory):
    line = CommandLine(request.param, tmp_path_factory.mktemp("state"))
    try:
        line.description = json.loads(line("up", "--flavor", line.flavor, "--replicas", "2"))
        line("sql", "primary", "CREATE TABLE app.t (a INT PRIMARY KEY)")
        yield line
    finally:
        line("down", "--all")


def test_there_is_one_writable_primary_and_two_replicas_that_only_read(cluster):
    rows = json.loads(cluster("status", "--json"))
    assert [(row["name"], row["role"], row["read_only"]) for row in rows] == [
        ("primary", "primary", False), ("replica1", "replica", True), ("replica2", "replica", True)]
    assert all((row["io"], row["sql"]) == ("Yes", "Yes") for row in rows[1:])


def test_the_description_is_what_runs(cluster):
    known = [cluster.description["primary"], *cluster.description["replicas"]]
    for server in known:
        row = cluster.status(server["name"])
        assert (row["pid"], row["address"]) == (server["pid"], "%s:%d" % (server["host"], server["port"]))
        with socket.create_connection((server["host"], server["port"]), timeout=5) as client:
            assert client.recv(64)[4] == 10
    written = json.loads(pathlib.Path(cluster.description["directory"], "cluster.json").read_text())
    assert written["primary"] == cluster.description["primary"]


def test_every_account_is_everywhere_and_the_application_cannot_write_on_a_replica(cluster):
    command = ("import sys; sys.path.insert(0, %r)\n"
               "from wye_cluster import *\n"
               "c = Cluster.load(%r)\n"
               "for server in c.servers:\n"
               "    for user in c.describe()['accounts']:\n"
               "        assert c.sql(server, 'SELECT CURRENT_USER() AS u', user=user) == [{'u': user + '@%%'}]\n"
               "try: c.sql('replica1', 'CREATE TABLE app.no (a INT)', user='app')\n"
               "except SqlError as error: print(error.code)\n"
               % (str(pathlib.Path(COMMAND).parent), cluster.description["directory"]))
    done = subprocess.run(["/usr/bin/python3", "-B", "-c", command], capture_output=True, encoding="utf-8", timeout=60)
    assert (done.stdout, done.stderr) == ("1290\n", "")


def test_a_delayed_replica_is_late_until_the_delay_ends(cluster):
    cluster("lag", "replica1", "600")
    cluster("sql", "primary", "INSERT INTO app.t VALUES (1)")
    cluster.until_count("replica2", "1")
    assert cluster.count("replica1") == "0"
    cluster("lag", "replica1", "0")
    cluster.until_count("replica1", "1")


def test_a_stopped_sql_thread_applies_nothing(cluster):
    cluster("stop-sql", "replica2")
    cluster.until("replica2", io="Yes", sql="No", lag=None)
    cluster("start-sql", "replica2")
    cluster.until("replica2", io="Yes", sql="Yes", lag=0)


def test_a_stopped_server_hangs_and_goes_on(cluster):
    cluster("stop", "replica1")
    assert cluster.status("replica1")["state"] == "stopped"
    cluster("cont", "replica1")
    cluster.until("replica1", state="running", io="Yes", sql="Yes")


def test_killed_servers_start_again_and_replicate(cluster):
    for server in ("replica1", "primary"):
        cluster("kill", server)
        assert cluster.status(server)["state"] == "dead"
        cluster("start", server)
    for replica in ("replica1", "replica2"):
        cluster.until(replica, io="Yes", sql="Yes")
    cluster("sql", "primary", "INSERT INTO app.t VALUES (2)")
    cluster.until_count("replica1", "2")
    cluster.until_count("replica2", "2")


def test_a_wrong_word_is_one_clear_line(cluster):
    done = cluster.run("kill", "replica9")
    assert done.returncode == 1
    assert done.stderr == "cluster: no server 'replica9': there are primary, replica1, replica2\n"


def test_down_leaves_nothing(cluster):
    pids = [row["pid"] for row in json.loads(cluster("status", "--json"))]
    cluster("down")
    assert not pathlib.Path(cluster.description["directory"]).exists()
    for pid in pids:
        try:
            state = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(") ")[2][0]
        except FileNotFoundError:
            continue
        assert state == "Z"  # Dead, and only waiting for its parent to notice.
