"""A component of the stack: one program on one machine, in a folder of its own; started, looked at, and killed by its pid."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import time

import machines

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class StackError(Exception):
    """The stack cannot do what was asked; the text is one line that says why."""


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise StackError("waited %d seconds in vain for %s" % (seconds, what))
        time.sleep(0.05)


@dataclasses.dataclass
class Component:
    machine: str
    program: str
    directory: pathlib.Path
    command: list
    configuration: str  # its file in the directory; of a NAME.env, its lines are the environment
    is_ready: object
    owner: str = "root"  # of its directory
    user: str = None  # for what does not change its user itself

    name = property(lambda self: "%s/%s" % (self.machine, self.program))
    pidfile = property(lambda self: self.directory / (self.program + ".pid"))
    log = property(lambda self: self.directory / (self.program + ".log"))

    @property
    def pid(self):
        """Of its first process, which leads a group with all of them; None when it is gone."""
        try:
            pid = int(self.pidfile.read_text())
            words = pathlib.Path("/proc/%d/cmdline" % pid).read_bytes()
            state = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(") ")[2][0]
        except (OSError, ValueError):
            return None
        # The number may be somebody else's by now: every command names a file of its directory. No words at all has a
        # process that becomes its program this very moment, and one that has ended and that nobody has waited for.
        return pid if str(self.directory).encode() in words or not words and state != "Z" else None

    def environment(self):
        own = {}
        if self.configuration.endswith(".env"):
            lines = (self.directory / self.configuration).read_text().splitlines()
            own = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
        return {"PATH": PATH, "LC_ALL": "C.UTF-8", **own}

    def start(self):
        command = machines.inside(self.machine)
        if self.user:
            command += ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"]
        with open(self.log, "ab") as log:
            process = subprocess.Popen([*command, *map(str, self.command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       cwd="/", env=self.environment(), start_new_session=True)
        process.returncode = 0  # nobody waits for it through Popen, see is_gone
        self.pidfile.write_text("%d\n" % process.pid)

    def wait_ready(self, seconds=60):
        def ready():
            if self.is_gone():
                raise StackError("%s has ended, see %s" % (self.name, self.log))
            return self.is_ready()
        wait_until(ready, seconds, "%s, see %s" % (self.name, self.log))

    def is_gone(self):
        """A child of ours that has ended stays in the list of processes until it is waited for."""
        try:
            os.waitpid(int(self.pidfile.read_text()), os.WNOHANG)
        except (OSError, ValueError):
            pass
        return self.pid is None

    def kill(self):
        """All its processes at once, as in a power cut."""
        self._signal(signal.SIGKILL)
        wait_until(self.is_gone, 10, "%s to end" % self.name)

    def stop(self):
        """In order; by force when that takes too long."""
        self._signal(signal.SIGTERM)
        try:
            wait_until(self.is_gone, 15, "%s to end" % self.name)
        except StackError:
            self.kill()

    def _signal(self, number):
        pid = self.pid
        if pid:
            os.killpg(pid, number)
