"""What is measured: the servers themselves, the bare relay, HAProxy, MySQL Router, wye in several settings, and peers
that are already running."""

import contextlib
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import time

from wye_cluster.cluster import free_ports

from . import measured

HERE = pathlib.Path(__file__).resolve().parents[1]
REPOSITORY = HERE.parents[1]

HAPROXY = """
global
    maxconn %(connections)d
    nbthread %(threads)d
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen mysql
    bind 127.0.0.1:%(port)d
    server primary 127.0.0.1:%(server)d
"""

ROUTER = """
[DEFAULT]
logging_folder=%(folder)s
runtime_folder=%(folder)s
data_folder=%(folder)s
[routing:relay]
bind_address=127.0.0.1
bind_port=%(port)d
destinations=127.0.0.1:%(server)d
routing_strategy=first-available
protocol=classic
client_ssl_mode=PASSTHROUGH
max_connections=0
"""


class Contender:
    """A name, the port to connect to, and the process that stands between (None: the server itself)."""

    def __init__(self, name, port, process=None, pid=None, host="127.0.0.1"):
        self.name, self.host, self.port = name, host, port
        self.process = process
        pid = pid or (process.pid if process else None)
        self.cost = measured.Measured(pid) if pid else None

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as probe:
        probe.settimeout(5)
        return bool(probe.recv(1))
    return False


def started(name, command, port, folder, cores, env=None):
    log = open(folder / (name + ".log"), "wb")
    with log:
        process = subprocess.Popen(["taskset", "-c", ",".join(map(str, cores)), *map(str, command)], env=env, stdout=log,
                                   stdin=subprocess.DEVNULL, stderr=log, cwd=str(folder))
    end = time.monotonic() + 60
    while not answers(port):
        if process.poll() is not None or time.monotonic() > end:
            said = (folder / (name + ".log")).read_text(errors="replace").strip()
            raise SystemExit("tests/bench: %s does not answer: %s" % (name, said[-500:]))
        time.sleep(0.05)
    return Contender(name, port, process)


def direct(cluster):
    return Contender("direct", cluster.primary.port)


def built(folder, *sources):
    """A program of this folder."""
    binary = folder / pathlib.Path(sources[0]).stem
    if not binary.exists():
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", str(binary), *(str(HERE / one) for one in sources)], check=True)
    return binary


class FakeCluster:
    """A primary and a replica that answer at once (fake_server.c), so that what stands in front of them is measured."""

    ACCOUNTS = ("--user", "sbtest:sbtest", "--user", "idle:")

    def __init__(self, folder, cores):
        binary = built(folder, "fake_server.c", "fake_answers.c")
        ports = [free_ports(1), free_ports(1)]
        self.primary = started("fake-primary", [binary, ports[0]], ports[0], folder, cores)
        self.replica = started("fake-replica", [binary, ports[1], ports[0]], ports[1], folder, cores)

    def monitor_url(self):
        return "mysql://monitor:any@127.0.0.1:%d,127.0.0.1:%d" % (self.primary.port, self.replica.port)

    def stop(self):
        self.replica.stop()
        self.primary.stop()


def relay(cluster, folder, cores):
    binary = built(folder, "relay.c")
    port = free_ports(1)
    return started("relay", [binary, port, cluster.primary.port], port, folder, cores)


def haproxy(cluster, folder, cores):
    program = shutil.which("haproxy")
    if not program:
        return None
    port = free_ports(1)
    settings = folder / "haproxy.cfg"
    settings.write_text(HAPROXY % {"threads": len(cores), "port": port, "server": cluster.primary.port,
                                   "connections": (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200) // 2})
    return started("haproxy", [program, "-db", "-f", settings], port, folder, cores)


def router(cluster, folder, cores):
    program = shutil.which("mysqlrouter")
    if not program:
        return None
    port = free_ports(1)
    settings = folder / "router.conf"
    settings.write_text(ROUTER % {"folder": folder, "port": port, "server": cluster.primary.port})
    return started("router", [program, "-c", settings], port, folder, cores)


def wye(cluster, folder, cores, name="wye", settings=(), accounts=()):
    port = free_ports(3)
    binary = os.environ.get("WYE_BIN") or REPOSITORY / "build" / "wye"
    clean = {key: value for key, value in os.environ.items() if not key.startswith("WYE_")}
    command = [binary, "serve", "--listen", "127.0.0.1:%d" % port, "--admin", "127.0.0.1:%d" % (port + 1), "--http",
               "127.0.0.1:%d" % (port + 2), "--threads", len(cores)]
    for one in settings:
        command += ["--set", one]
    return started(name, [*command, *accounts, cluster.monitor_url()], port, folder, cores, env=clean)


def peer(text):
    """NAME=HOST:PORT:PID."""
    name, _, rest = text.partition("=")
    host, port, pid = rest.rsplit(":", 2)
    return Contender(name, int(port), pid=int(pid), host=host)
