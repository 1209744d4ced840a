"""A cluster whose topology wye may change: an account with the privileges that this takes, and no others, and what every
server says of itself afterwards."""

import contextlib

import pymysql
from pymysql.cursors import DictCursor

from endpoint import Endpoint, wait_until
from wye_cluster import Cluster

PRIVILEGES = {
    "mariadb": "REPLICATION SLAVE ADMIN, RELOAD, READ_ONLY ADMIN, CONNECTION ADMIN, PROCESS, SLAVE MONITOR, "
               "REPLICATION MASTER ADMIN, REPLICATION SLAVE",
    "mysql": "REPLICATION_SLAVE_ADMIN, RELOAD, SYSTEM_VARIABLES_ADMIN, CONNECTION_ADMIN, PROCESS, REPLICATION CLIENT, "
             "REPLICATION SLAVE, SHOW_ROUTINE",
}
ACCOUNTS_TABLES = {"mariadb": ["mysql.global_priv", "mysql.proc"],
                   "mysql": ["mysql.user", "performance_schema.replication_applier_status_by_worker"]}


def grant_operator(cluster, without=None):
    privileges = ", ".join(one for one in PRIVILEGES[cluster.flavor].split(", ") if one != without)
    cluster.sql("primary", "CREATE USER operator@'%' IDENTIFIED BY 'operator'")
    cluster.sql("primary", "GRANT %s ON *.* TO operator@'%%'" % privileges)
    for table in ACCOUNTS_TABLES[cluster.flavor]:
        cluster.sql("primary", "GRANT SELECT ON %s TO operator@'%%'" % table)
    cluster.wait_caught_up()


@contextlib.contextmanager
def changeable(flavor, directory, replicas=2):
    with Cluster(flavor, replicas=replicas, directory=directory) as cluster:
        grant_operator(cluster)
        yield cluster


def operator_url(cluster, *servers):
    return "mysql://operator:operator@" + ",".join(one.address for one in servers or cluster.servers)


@contextlib.contextmanager
def root_of(server):
    """A session past wye, with rows as dictionaries."""
    where = Endpoint(server.host, server.port, str(server.socket))
    with where.session("root", "", None, by_socket=True, cursorclass=DictCursor) as session:
        yield session


class Seen:
    """What one server is at this moment."""

    def __init__(self, cluster, server):
        variables = "@@global.read_only AS ro" + (", @@global.super_read_only AS sro" if cluster.flavor == "mysql" else "")
        with root_of(server) as root:
            row = root.row("SELECT %s" % variables)
            status = root.rows(cluster.kind.show_replica)
        self.writable = str(row["ro"]) in ("0", "OFF")
        word = "Source" if cluster.flavor == "mysql" else "Master"
        self.source = int(status[0][word + "_Port"]) if status else None
        self.runs = bool(status) and status[0][cluster.kind.io_column] == status[0][cluster.kind.sql_column] == "Yes"


def see(cluster):
    return {server.name: Seen(cluster, server) for server in cluster.servers if server.state == "running"}


def primary_of(cluster):
    """The one server that may be written and follows nobody, while all others that run follow it. None too where wye closes the
    connection that asks: root writes in spite of read_only, so it is among those whom a fence cuts off."""
    try:
        seen = see(cluster)
    except pymysql.OperationalError:
        return None
    leaders = [name for name, one in seen.items() if one.writable]
    if len(leaders) != 1 or seen[leaders[0]].source is not None:
        return None
    leader = cluster.server(leaders[0])
    others = [one for name, one in seen.items() if name != leader.name]
    return leader if all(one.runs and one.source == leader.port for one in others) else None


def wait_one_topology(cluster):
    return wait_until(lambda: primary_of(cluster), "one primary, and everybody to follow it")


def wait_same_rows(cluster, primary, statement):
    """Until every other server that runs gives the same answer as the primary; returns it."""
    def ask(server):
        with root_of(server) as root:
            return root.rows(statement)
    answer = ask(primary)
    for server in cluster.servers:
        if server.state == "running":
            wait_until(lambda: ask(server) == answer, "%s to have the primary's rows" % server.name)
    return answer
