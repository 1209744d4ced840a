"""A wye that is replaced by the next one while it runs (SIGUSR2): the process in charge is another one each time."""

import os
import re
import signal

from endpoint import wait_until
from wye_process import FINDINGS, PATIENCE_TO_END, Wye, process_session

SERVES = re.compile(r"upgraded .*process (\d+) serves, (\d+) finishes")
FAILED = re.compile(r"upgrade-failed .*")


class UpgradingWye(Wye):
    """`pid` is the process in charge, `process` the one that was started first and leads the session of all of them."""

    def signalled(self):
        os.kill(self.pid, signal.SIGUSR2)

    def upgrade(self):
        """SIGUSR2, until the next process serves."""
        before, failed = len(SERVES.findall(self.log())), len(FAILED.findall(self.log()))
        self.signalled()

        def serves():
            failures = FAILED.findall(self.log())
            assert len(failures) == failed, failures[-1]
            return SERVES.findall(self.log())[before:]
        (successor, old), = wait_until(serves, "the next wye to serve, see %s" % self.log_path)
        assert int(old) == self.pid
        self.pid = int(successor)

    def upgrade_fails(self):
        """SIGUSR2, until this process says that it goes on; the reason."""
        before = len(FAILED.findall(self.log()))
        self.signalled()
        return wait_until(lambda: FAILED.findall(self.log())[before:], "the upgrade to fail")[-1]

    def processes(self):
        return process_session(self.process.pid)

    def wait_alone(self):
        """Until all processes have left but the one in charge."""
        wait_until(lambda: self.processes() == [self.pid], "the old process to leave; there are %s" % self.processes())
        if self.pid != self.process.pid:
            assert self.process.wait(PATIENCE_TO_END) == 0

    def check_alive(self):
        assert self.pid in self.processes(), "wye ended by itself:\n%s" % self.log_tail()

    def finish(self):
        ended = self.log().count("stopped status=0")
        left = self.processes()
        for pid in left:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not self.processes(), "all of wye to end; there are %s" % self.processes(), PATIENCE_TO_END)
        assert self.process.wait(PATIENCE_TO_END) == 0
        assert not FINDINGS.search(self.log()), "wye's log has a finding:\n%s" % self.log_tail()
        assert self.log().count("stopped status=0") == ended + len(left), self.log_tail()

    def kill(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait(30)
