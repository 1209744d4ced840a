"""The show behind ./examples/quickstart: real servers, wye in front of them, and proof of what ran where.

The proof is the servers' own general logs: each server is asked which statements of the application it has run.
"""

import argparse
import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "servers"))
from wye_cluster import Cluster, ClusterError, ServerError, SqlError  # noqa: E402
from wye_cluster.cluster import free_ports  # noqa: E402
from wye_cluster.sql_client import run_sql  # noqa: E402

PREFERRED_PORTS = {"listen": 6033, "admin": 6032, "http": 6070}
READS = 8
PRIMARY, REPLICAS = "primary", "replicas"

# Each act is what one session of the application does: its statements with the context that `wye route` must know to
# classify them alone, in how many sessions they run, and where they have to run.
ACTS = [
    [("CREATE TABLE visits (page INT PRIMARY KEY, hits INT)", "none", 1, PRIMARY)],
    [("INSERT INTO visits VALUES (1, 10), (2, 20)", "none", 1, PRIMARY)],
    [("SELECT hits FROM visits WHERE page = 1", "none", READS, REPLICAS)],
    [("BEGIN", "none", 1, None),
     ("SELECT SUM(hits) FROM visits", "trx", 1, PRIMARY),
     ("UPDATE visits SET hits = hits + 1 WHERE page = 2", "trx", 1, PRIMARY),
     ("COMMIT", "trx", 1, None)],
    [("SELECT hits FROM visits WHERE page = 2 FOR UPDATE", "none", 1, PRIMARY)],
    [("SET sql_mode = 'ANSI_QUOTES'", "none", READS, None),
     ('SELECT "hits" FROM "visits" ORDER BY page', "none", READS, REPLICAS)],
    [("SELECT GET_LOCK('report', 1)", "none", 1, PRIMARY)],
]


class ShowError(Exception):
    """The show did not go as it must; the text is one line that says what happened."""


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports():
    """wye's own default ports where they are free, others otherwise."""
    spare = free_ports(len(PREFERRED_PORTS))
    return {name: port if is_free(port) else spare + i
            for i, (name, port) in enumerate(PREFERRED_PORTS.items())}


class Wye:
    """A running wye in front of a cluster."""

    def __init__(self, binary, cluster, directory):
        self.binary = binary
        self.ports = choose_ports()
        self.log = directory / "wye.log"
        command = [binary, "serve"]
        for name, port in self.ports.items():
            command += ["--" + name, "127.0.0.1:%d" % port]
        with open(self.log, "wb") as log:
            # A session of its own: Ctrl-C is for us, and we stop it in order.
            self.process = subprocess.Popen(command + [cluster.monitor_url()], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, cwd=str(directory), start_new_session=True)

    def wait_ready(self, timeout=30):
        deadline = time.monotonic() + timeout
        while not self._says_ready():
            if self.process.poll() is not None:
                raise ShowError("wye ended with status %d: %s" % (self.process.returncode, self.last_line()))
            if time.monotonic() > deadline:
                raise ShowError("wye was not ready within %d seconds: %s" % (timeout, self.last_line()))
            time.sleep(0.05)

    def _says_ready(self):
        try:
            return urllib.request.urlopen("http://127.0.0.1:%d/readyz" % self.ports["http"], timeout=2).status == 200
        except (urllib.error.URLError, OSError):
            return False

    def last_line(self):
        lines = self.log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"

    def route(self, flavor, context, statement):
        """(route, reason) of a statement, from wye's own command for that."""
        done = subprocess.run([self.binary, "route", "--flavor", flavor, "--context", context, statement],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=10, encoding="utf-8")
        fields = done.stdout.rstrip("\n").split("\t")
        if done.returncode or len(fields) < 2:
            raise ShowError("wye route failed: %s" % (done.stderr.strip() or repr(done.stdout)))
        return fields[0], fields[1]

    def stop(self):
        """SIGTERM lets running transactions finish, a second one ends them; SIGKILL when even that takes too long."""
        for end in (self.process.terminate, self.process.terminate, self.process.kill):
            if self.process.poll() is None:
                end()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(3)


def watch(cluster, on):
    for server in cluster.servers:
        cluster.sql(server, "SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = %d" % on)


def seen_by_servers(cluster):
    """{statement: {server: how often}} of what the application's account has run."""
    seen = {}
    for server in cluster.servers:
        rows = cluster.sql(server, "SELECT CONVERT(argument USING utf8mb4) AS text FROM mysql.general_log"
                                   " WHERE user_host LIKE 'app[app]%' AND command_type = 'Query'")
        for row in rows:
            counts = seen.setdefault(row["text"], {})
            counts[server.name] = counts.get(server.name, 0) + 1
    return seen


def wait_for_pool(wye, cluster):
    """Until reads have reached every replica: wye is ready as soon as it can serve, with fewer of them perhaps."""
    deadline = time.monotonic() + 20
    names = {replica.name for replica in cluster.replicas}
    probe = "SELECT 'warming up'"
    while not names <= set(seen_by_servers(cluster).get(probe, {})):
        if time.monotonic() > deadline:
            raise ShowError("reads do not reach every replica: %s" % wye.last_line())
        as_application(wye, [probe] * 4)


def as_application(wye, statements, database=None):
    """One session of the application through wye."""
    run_sql(["mariadb", "--no-defaults"], ";\n".join(statements), host="127.0.0.1", port=wye.ports["listen"],
            user="app", password="app", database=database)


def play(wye, cluster):
    for act in ACTS:
        for _ in range(act[0][2]):
            as_application(wye, [statement for statement, _, _, _ in act], "app")
        # So that the next act's reads show what a caught-up replica does, whatever the machine is busy with.
        cluster.wait_caught_up()


def is_right(where, ran_on, replicas):
    if where == PRIMARY:
        return set(ran_on) == {"primary"}
    if where == REPLICAS:
        return set(ran_on) == set(replicas)
    return True


def report(wye, cluster):
    """Print the table of what went where; returns the statements that ran where they must not."""
    seen = seen_by_servers(cluster)
    replicas = [replica.name for replica in cluster.replicas]
    wrong = []
    print("%-58s %-8s %-16s %s" % ("STATEMENT", "ROUTE", "REASON", "RAN ON"))
    for act in ACTS:
        for statement, context, times, where in act:
            route, reason = wye.route(cluster.flavor, context, statement)
            ran_on = seen.get(statement, {})
            text = ("%d x " % times if times > 1 else "") + statement
            text = text if len(text) <= 58 else text[:55] + "..."
            places = ", ".join("%s x %d" % (name, ran_on[name]) if times > 1 else name for name in sorted(ran_on))
            print("%-58s %-8s %-16s %s" % (text, route, reason, places or "wye"))
            if not is_right(where, ran_on, replicas):
                wrong.append("%s ran on %s" % (statement, places or "no server"))
    return wrong


def show(binary, options, directory):
    print("quickstart: starting a primary and two replicas")
    with Cluster(options.flavor, 2, directory / options.flavor) as cluster:
        watch(cluster, True)
        wye = Wye(binary, cluster, directory)
        try:
            wye.wait_ready()
            wait_for_pool(wye, cluster)
            play(wye, cluster)
            product = {"mariadb": "MariaDB", "mysql": "MySQL"}[options.flavor]
            print("\nwye on port %d, started with nothing but  %s" % (wye.ports["listen"], cluster.monitor_url()))
            print("in front of %s %s: %s\n" % (product, cluster.version, ", ".join(
                "%s on %d" % (server.name, server.port) for server in cluster.servers)))
            wrong = report(wye, cluster)
            watch(cluster, False)
            if wrong:
                raise ShowError("not as it must be: " + "; ".join(wrong))
            print("\nWrites ran on the primary, reads on both replicas.")
            if not options.exit:
                stay(wye)
        finally:
            wye.stop()


def stay(wye):
    admin = "mariadb -h 127.0.0.1 -P %d -u admin" % wye.ports["admin"]
    print("\nTry it:   mysql://app:app@127.0.0.1:%d/app      mariadb -h 127.0.0.1 -P %d -u app -papp app"
          % (wye.ports["listen"], wye.ports["listen"]))
    print("Console:  %s -e %s" % (admin, shlex.quote("SELECT * FROM stats_servers; SELECT * FROM stats_routes")))
    print("Browser:  http://127.0.0.1:%d/" % wye.ports["http"])
    print("Metrics:  http://127.0.0.1:%d/metrics" % wye.ports["http"])
    print("Ctrl-C stops everything.", flush=True)
    status = wye.process.wait()
    raise ShowError("wye ended by itself with status %d: %s" % (status, wye.last_line()))


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupted(number, _):
    """The first signal ends the show; those that follow must not end the cleaning up."""
    for one in SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    parser = argparse.ArgumentParser(prog="quickstart", description="wye in front of real servers, in one command")
    parser.add_argument("--exit", action="store_true", help="end after the show")
    parser.add_argument("--flavor", choices=("mariadb", "mysql"), default="mariadb")
    options = parser.parse_args()
    binary = os.environ.get("WYE_BIN") or str(REPOSITORY / "build" / "wye")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="wye-", dir=os.environ.get("WYE_STATE")))
    for number in SIGNALS:
        signal.signal(number, interrupted)
    try:
        show(binary, options, directory)
    except KeyboardInterrupt:
        print("\nquickstart: stopped")
    except (ShowError, ClusterError, ServerError, SqlError, OSError) as error:
        sys.exit("quickstart: %s" % error)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
