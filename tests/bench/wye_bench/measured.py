"""A process whose costs are read from /proc: CPU by kind, resident memory, and its system calls by strace."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

TICK = 1.0 / os.sysconf("SC_CLK_TCK")


class Measured:
    def __init__(self, pid):
        self.pid = pid

    def cpu(self):
        """Seconds of user and of system time since its start, all threads."""
        fields = pathlib.Path("/proc/%d/stat" % self.pid).read_text().rpartition(") ")[2].split()
        return int(fields[11]) * TICK, int(fields[12]) * TICK

    def resident(self):
        """KiB."""
        for line in pathlib.Path("/proc/%d/status" % self.pid).read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        return 0

    @contextlib.contextmanager
    def calls(self):
        """Yields a dictionary that holds the number of system calls by name when the block has ended."""
        counted = {}
        with tempfile.NamedTemporaryFile("r", prefix="wye-bench-") as out:
            tracer = subprocess.Popen([shutil.which("strace"), "-f", "-c", "-U", "calls,name", "-o", out.name, "-p",
                                       str(self.pid)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            # It says on standard error when it has attached.
            tracer.stderr.readline()
            try:
                yield counted
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait(30)
                tracer.stderr.close()
            for calls, name in re.findall(r"^\s*(\d+)\s+(\w+)$", out.read(), re.M):
                if name != "total":
                    counted[name] = int(calls)


def pin(pid, cores):
    """Every thread of a process onto these cores."""
    for task in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task), cores)
