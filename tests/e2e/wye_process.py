"""One running wye: started on free ports with its log in a folder of its own, watched, and ended by its pid.

The binary is $WYE_BIN, else build/wye of this repository. finish() insists that wye ended as it should: status 0
after SIGTERM, no sanitizer's report in its log, and nothing of its session of processes left.
"""

import os
import pathlib
import re
import signal
import subprocess
import urllib.error
import urllib.request

import pymysql

from endpoint import Endpoint, Session, wait_until
from wye_cluster.cluster import free_ports

# The drain of the default configuration, and something for slow machines.
PATIENCE_TO_END = 45

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# What a sanitizer, an assert or the C library writes when the program is wrong.
FINDINGS = re.compile(r"ERROR: (?:Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:"
                      r"|Assertion .* failed|session-stuck|double free|stack smashing|corrupted size")


def binary():
    path = pathlib.Path(os.environ.get("WYE_BIN") or REPOSITORY / "build" / "wye")
    if not path.exists():
        raise AssertionError("there is no %s: cmake --preset release && cmake --build build" % path)
    return str(path)


def environment(**more):
    """What wye is started with: none of the caller's own WYE_ options, and sanitizers that report and end it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WYE_")}
    clean.setdefault("ASAN_OPTIONS", "exitcode=99:detect_leaks=1:detect_stack_use_after_return=0")
    clean.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    clean.setdefault("TSAN_OPTIONS", "exitcode=99:suppressions=%s" % (REPOSITORY / "tests/e2e/tsan.supp"))
    clean.update(more)
    return clean


def run_wye(*arguments, timeout=60, **more):
    """Run wye to its end: the CompletedProcess with its output as text."""
    return subprocess.run([binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                          encoding="utf-8", errors="replace", env=environment(**more))


def process_session(leader):
    """The pids of the processes in a session that is led by a pid, zombies left out."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


class Wye(Endpoint):
    """Started on construction; ready() waits until it serves. `port`: its first of three in a row, by default free ones.
    `starter`: words ahead of the command."""

    def __init__(self, directory, *arguments, env=None, port=None, program=None, starter=(), pass_fds=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        port = port or free_ports(3)
        super().__init__("127.0.0.1", port, str(self.directory / "wye.sock"))
        self.admin_port, self.http_port = port + 1, port + 2
        self.log_path = self.directory / "wye.log"
        command = [*starter, str(program or binary()), "serve", "--listen", "127.0.0.1:%d" % port, "--listen", self.socket,
                   "--admin", "127.0.0.1:%d" % self.admin_port, "--http", "127.0.0.1:%d" % self.http_port,
                   *arguments]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=str(self.directory), env=environment(**(env or {})),
                                            start_new_session=True, pass_fds=pass_fds)
        self.pid = self.process.pid

    # --- watching it ---

    def log(self):
        return self.log_path.read_text(errors="replace")

    def log_tail(self):
        """The end of the log; from the first finding on when there is one."""
        log = self.log()
        finding = FINDINGS.search(log)
        return log[finding.start():][:6000] if finding else "\n".join(log.splitlines()[-15:])

    def check_alive(self):
        status = self.process.poll()
        assert status is None, "wye ended by itself with status %s:\n%s" % (status, self.log_tail())

    def get(self, path):
        """Status and text of a page of the HTTP side; status 0 while it does not answer."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.http_port, path), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self):
        def serves():
            self.check_alive()
            return self.get("/readyz")[0] == 200
        wait_until(serves, "wye to be ready, see %s" % self.log_path)
        return self

    def resident(self):
        """Resident memory in bytes."""
        for line in pathlib.Path("/proc/%d/status" % self.pid).read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("wye has no memory any more")

    # --- its console ---

    def console(self, statement):
        """Rows of a statement on the console, as dictionaries."""
        connection = pymysql.connect(host="127.0.0.1", port=self.admin_port, user="admin", password="", autocommit=True,
                                     cursorclass=pymysql.cursors.DictCursor, connect_timeout=30, read_timeout=60)
        try:
            return Session(connection).rows(statement)
        finally:
            connection.close()

    def servers(self):
        """stats_servers by the server's name, host:port."""
        return {row["server"]: row for row in self.console("SELECT * FROM stats_servers")}

    def takes_reads(self, server):
        """Whether a server of the cluster is a replica in the pool."""
        row = self.servers().get(server.address)
        return bool(row) and bool(row["takes_reads"])

    def wait_pool(self, servers):
        """Until every one of the replicas is in the pool."""
        wait_until(lambda: all(self.takes_reads(one) for one in servers), "wye to have every replica in its pool")

    # --- its end ---

    def finish(self):
        """SIGTERM, and every promise about how wye ends."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE_TO_END)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("wye did not end within %d seconds of SIGTERM:\n%s"
                                 % (PATIENCE_TO_END, self.log_tail())) from None
        left = process_session(self.pid)
        assert not FINDINGS.search(self.log()), "wye's log has a finding:\n%s" % self.log_tail()
        assert status == 0, "wye ended with status %s after SIGTERM:\n%s" % (status, self.log_tail())
        assert not left, "wye left processes running: %s" % left

    def kill(self):
        """SIGKILL, by pid; for a wye that did not end, and for tests that want it gone at once."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait(30)
