"""One primary and its replicas: made, looked at, hurt and taken down."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile

from .flavor import ACCOUNTS, DATABASES
from .mariadb import MariaDB
from .mysql import MySQL
from .server import Server, ServerError, wait_until
from .sql_client import SqlError, run_sql

FLAVORS = {"mariadb": MariaDB, "mysql": MySQL}


class ClusterError(Exception):
    """The cluster cannot do what was asked; the text is one line that says why."""


def state_directory():
    """Where clusters live unless told otherwise: $WYE_STATE, else a folder of this user in the temporary one."""
    return pathlib.Path(os.environ.get("WYE_STATE") or
                        pathlib.Path(tempfile.gettempdir()) / ("wye-%d" % os.getuid()))


def free_ports(count):
    """A run of free ports below the range from which the kernel takes ports for outgoing connections.

    A server that is killed and started again finds its port still free that way.
    """
    for _ in range(200):
        base = random.randrange(20000, 32000 - count)
        if all(_is_free(base + i) for i in range(count)):
            return base
    raise ClusterError("no %d free ports in a row between 20000 and 32000" % count)


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Cluster:
    def __init__(self, flavor, replicas=2, directory=None, base_port=None):
        if flavor not in FLAVORS:
            raise ClusterError("unknown flavor %r: mariadb or mysql" % flavor)
        self.flavor = flavor
        self.kind = FLAVORS[flavor]()
        self.directory = pathlib.Path(directory or state_directory() / flavor).absolute()
        self.replica_count = replicas
        self.base_port = base_port
        self.version = None
        self.servers = []

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    # --- up and down ---

    def up(self):
        """Start everything; returns self when replication runs and the accounts are everywhere."""
        if (self.directory / "cluster.json").exists():
            raise ClusterError("there is a cluster in %s already: take it down first" % self.directory)
        if len(str(self.directory / "replica10.sock")) > 100:
            raise ClusterError("%s is too long a path for Unix sockets" % self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.version = self.kind.version()
        base = self.base_port or free_ports(self.replica_count + 1)
        names = ["primary"] + ["replica%d" % i for i in range(1, self.replica_count + 1)]
        self.servers = [Server(name, number, self.directory, base + number - 1)
                        for number, name in enumerate(names, 1)]
        self._write_description()  # At once, so that down() finds what a failed up() has started.
        try:
            self._start_fresh()
        except BaseException:
            self.keep_logs()
            self.down()
            raise
        self._write_description()
        shutil.rmtree(self._kept_logs(), ignore_errors=True)
        return self

    def _kept_logs(self):
        return pathlib.Path(str(self.directory) + ".failed-logs")

    def _start_fresh(self):
        template = self.kind.template()
        for server in self.servers:
            subprocess.run(["cp", "-a", str(template), str(server.datadir)], check=True)
            server.tmpdir.mkdir()
            server.cnf.write_text(self.kind.option_file(server))
        self.start(*self.servers)
        # The replicas start from nothing and get every statement, the accounts' included, through replication.
        self.sql(self.primary, self.kind.accounts_sql())
        for replica in self.replicas:
            self.sql(replica, self.kind.replicate_sql(self.primary))
        self.wait_caught_up(timeout=60)

    def keep_logs(self):
        """Copies of the servers' logs for a person to read after down(), until the next up() succeeds."""
        kept = self._kept_logs()
        for server in self.servers:
            if server.log.exists():
                kept.mkdir(exist_ok=True)
                shutil.copy(server.log, kept)

    def down(self):
        """Kill every server and remove the folder. Safe to call twice, and on what is half up."""
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        if self.directory.parent == state_directory():
            with contextlib.suppress(OSError):  # Not while another cluster or kept logs are in it.
                self.directory.parent.rmdir()

    @classmethod
    def load(cls, directory):
        """The cluster that another process has started in a folder."""
        path = pathlib.Path(directory) / "cluster.json"
        try:
            known = json.loads(path.read_text())
        except FileNotFoundError:
            raise ClusterError("there is no cluster in %s" % directory) from None
        described = [known["primary"]] + known["replicas"]
        cluster = cls(known["flavor"], len(known["replicas"]), directory, known["primary"]["port"])
        cluster.version = known["version"]
        cluster.servers = [Server(one["name"], number, cluster.directory, one["port"])
                           for number, one in enumerate(described, 1)]
        return cluster

    def describe(self):
        """What cluster.json says."""
        def server(one):
            return {"name": one.name, "host": one.host, "port": one.port, "socket": str(one.socket),
                    "pid": one.pid, "datadir": str(one.datadir), "log": str(one.log)}
        return {"flavor": self.flavor, "version": self.version, "directory": str(self.directory),
                "monitor_url": self.monitor_url(), "primary": server(self.primary),
                "replicas": [server(one) for one in self.replicas], "databases": list(DATABASES),
                "accounts": ACCOUNTS}

    def _write_description(self):
        (self.directory / "cluster.json").write_text(json.dumps(self.describe(), indent=2) + "\n")

    # --- looking at it ---

    primary = property(lambda self: self.servers[0])
    replicas = property(lambda self: self.servers[1:])

    def server(self, which):
        """A server by its name; a server itself is passed through."""
        if isinstance(which, Server):
            return which
        for server in self.servers:
            if server.name == which:
                return server
        raise ClusterError("no server %r: there are %s" % (which, ", ".join(s.name for s in self.servers)))

    def monitor_url(self, which="primary"):
        """The address wye is started with; any member will do."""
        return "mysql://monitor:%s@%s" % (ACCOUNTS["monitor"], self.server(which).address)

    def client_command(self):
        """The flavor's own command line client, as the beginning of a command."""
        return self.kind.client_command()

    def sql(self, which, statement, user="root", password=None, database=None, timeout=30):
        """Run statements on one server, past wye; the last one's rows as dictionaries of str or None.

        A text is split at every ';'; a list of statements is not, as bodies of procedures need it. root goes
        over the Unix socket; the other accounts go over TCP.
        """
        server = self.server(which)
        if server.state != "running":
            raise SqlError("%s is %s" % (server.name, server.state))
        where = {"socket": server.socket} if user == "root" else {"host": server.host, "port": server.port}
        if password is None:
            password = ACCOUNTS.get(user, "")
        return run_sql(self.kind.client_command(), statement, user=user, password=password, database=database,
                       timeout=timeout, **where)

    def counters(self, which, *names):
        """Global status counters of one server, by name: counters('primary', 'Com_insert') -> {'Com_insert': 3}."""
        wanted = ", ".join("'%s'" % name for name in names)
        rows = self.sql(which, "SHOW GLOBAL STATUS WHERE Variable_name IN (%s)" % wanted)
        return {row["Variable_name"]: int(row["Value"]) for row in rows}

    def status(self):
        """One dictionary per server: name, address, pid, state, role, read_only, io, sql, lag, error."""
        return [self._server_status(server) for server in self.servers]

    def _server_status(self, server):
        seen = {"name": server.name, "address": server.address, "pid": server.pid, "state": server.state,
                "role": None, "read_only": None, "io": None, "sql": None, "lag": None, "error": None}
        if seen["state"] != "running":
            return seen
        try:
            seen["read_only"] = self.sql(server, "SELECT @@global.read_only AS r")[0]["r"] != "0"
            replication = self.sql(server, self.kind.show_replica)
        except SqlError as error:
            seen["error"] = str(error)
            return seen
        seen["role"] = "replica" if replication else "primary"
        for row in replication:
            seen["io"], seen["sql"] = row[self.kind.io_column], row[self.kind.sql_column]
            seen["lag"] = row[self.kind.lag_column] and int(row[self.kind.lag_column])
            seen["error"] = next((row[name] for name in self.kind.error_columns if row.get(name)), None)
        return seen

    def wait_caught_up(self, *which, timeout=20):
        """Wait until the replicas (all by default) have applied what the primary has now."""
        position = self.sql(self.primary, self.kind.position)[0]["position"]
        for server in [self.server(one) for one in which] or self.replicas:
            rows = self.sql(server, self.kind.wait_sql(position, timeout), timeout=timeout + 10)
            if rows[0]["reached"] != "1":
                raise ClusterError("%s has not caught up in %g seconds: %s"
                                   % (server.name, timeout, self._server_status(server)))

    # --- hurting it ---

    def lag(self, which, seconds):
        """Let a replica apply everything so many seconds late; 0 ends it."""
        self.sql(self._replica(which), self.kind.delay_sql(seconds))

    def stop_sql(self, which):
        self.sql(self._replica(which), self.kind.stop_sql_thread)

    def start_sql(self, which):
        self.sql(self._replica(which), self.kind.start_sql_thread)

    def _replica(self, which):
        server = self.server(which)
        if server.is_primary:
            raise ClusterError("the primary does not replicate")
        return server

    def kill(self, which):
        """SIGKILL; returns when the process is gone."""
        self.server(which).kill()

    def start(self, *which):
        """Start dead servers, side by side, and wait until they answer."""
        servers = [self.server(one) for one in which]
        for server in servers:
            if server.state != "dead":
                raise ClusterError("%s is %s" % (server.name, server.state))
            server.launch(self.kind.server_command() + ["--defaults-file=%s" % server.cnf])
        for server in servers:
            server.wait_ready()
        if (self.directory / "cluster.json").exists():
            self._write_description()

    def stop(self, which):
        """SIGSTOP: the server hangs with all its connections open."""
        server = self.server(which)
        server.signal(signal.SIGSTOP)
        wait_until(lambda: server.state != "running", 10, "%s to stop" % server.name)

    def cont(self, which):
        """SIGCONT: ends stop()."""
        self.server(which).signal(signal.SIGCONT)

    def revive(self):
        """What kill() and stop() have left runs again."""
        for server in self.servers:
            if server.state == "stopped":
                self.cont(server)
        dead = [server for server in self.servers if server.state == "dead"]
        if dead:
            self.start(*dead)
