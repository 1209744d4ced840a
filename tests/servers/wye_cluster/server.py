"""One server process of a cluster: its files, its life and its death, all by pid.

A server is started as a session of its own with its output in a log file, so that it outlives the command
that started it and no Ctrl-C reaches it. Everything about it lies in the cluster's folder:
NAME.cnf NAME.pid NAME.sock NAME.log NAME.data/ NAME.tmp/
"""

import dataclasses
import os
import pathlib
import signal
import socket
import subprocess
import time


class ServerError(Exception):
    """A server could not be started or stopped; the text is one line that says why."""


def wait_until(condition, timeout, what):
    """Poll a condition until it holds; what names it in the error when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise ServerError("waited %g seconds in vain for %s" % (timeout, what))
        time.sleep(0.02)


@dataclasses.dataclass
class Server:
    name: str
    number: int
    directory: pathlib.Path
    port: int
    host: str = "127.0.0.1"
    log_start: int = 0  # Where in the log the current life begins.

    def __post_init__(self):
        self.directory = pathlib.Path(self.directory)

    def _file(self, suffix):
        return self.directory / (self.name + suffix)

    cnf = property(lambda self: self._file(".cnf"))
    pidfile = property(lambda self: self._file(".pid"))
    socket = property(lambda self: self._file(".sock"))
    log = property(lambda self: self._file(".log"))
    datadir = property(lambda self: self._file(".data"))
    tmpdir = property(lambda self: self._file(".tmp"))  # Its own: servers clear away others' temporary tables.
    is_primary = property(lambda self: self.number == 1)
    address = property(lambda self: "%s:%d" % (self.host, self.port))

    @property
    def pid(self):
        """The process id, or None when the process is gone (a zombie counts as gone)."""
        try:
            pid = int(self.pidfile.read_text())
        except (OSError, ValueError):
            return None
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        return pid if self._is_ours(pid) else None

    def _is_ours(self, pid):
        """A pid file outlives its process, and the number may belong to somebody else by now."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        if not os.path.exists("/proc/self"):
            return True
        try:
            words = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()
            # No words at all: a zombie, or a process that was launched this very moment.
            return str(self.cnf).encode() in words or not words and self._stat_letter(pid) != "Z"
        except OSError:
            return False

    @staticmethod
    def _stat_letter(pid):
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(") ")[2][0]

    @property
    def state(self):
        """'running', 'stopped' (by SIGSTOP) or 'dead'."""
        pid = self.pid
        if pid is None:
            return "dead"
        try:
            return "stopped" if self._stat_letter(pid) in "Tt" else "running"
        except OSError:
            return "running" if self.pid else "dead"

    def launch(self, command):
        """Start the process without waiting for it to be ready."""
        self._remove_traces()
        with open(self.log, "ab") as log:
            self.log_start = log.tell()
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                       start_new_session=True)
        process.returncode = 0  # Nobody waits for it through Popen: see pid above.
        self.pidfile.write_text("%d\n" % process.pid)

    def wait_ready(self, timeout=60):
        """Until the server greets on its port and its socket; a server that died instead is an error at once."""
        def greets():
            if self.pid is None:
                raise ServerError("%s died at its start: %s" % (self.name, self.complaint()))
            # Before there are accounts, MySQL refuses every TCP client in place of its greeting.
            return (self._first_byte(socket.AF_UNIX, str(self.socket)) == 10 and
                    self._first_byte(socket.AF_INET, (self.host, self.port)) is not None)
        wait_until(greets, timeout, "%s to answer on port %d, see %s" % (self.name, self.port, self.log))

    @staticmethod
    def _first_byte(family, address):
        """The first byte of the server's first packet: 10 in a greeting, 255 in an error, None without a packet."""
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(2)
            try:
                probe.connect(address)
                head = probe.recv(64)
            except OSError:
                return None
        return head[4] if len(head) > 4 else None

    def complaint(self):
        """The first error of this life in the log, for what follows it is only its consequence."""
        with open(self.log, errors="replace") as log:
            log.seek(self.log_start)
            lines = log.read().splitlines() or ["it logged nothing"]
        return next((line for line in lines if "ERROR" in line), lines[-1])

    def signal(self, number):
        pid = self.pid
        if pid is None:
            raise ServerError("%s is not running" % self.name)
        os.kill(pid, number)

    def kill(self):
        """SIGKILL, and wait until the process is gone; nothing happens when it already is."""
        if self.pid is not None:
            self.signal(signal.SIGKILL)
            wait_until(lambda: self.pid is None, 30, "%s to die" % self.name)
        self._remove_traces()

    def _remove_traces(self):
        """What a killed process leaves: its socket would look ready too soon, and MySQL honours its lock file."""
        for path in (self.pidfile, self.socket, self._file(".sock.lock")):
            path.unlink(missing_ok=True)
