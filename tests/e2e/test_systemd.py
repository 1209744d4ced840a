"""What wye and systemd say to each other: sockets that are there already, and how wye is getting on."""

import contextlib
import fcntl
import os
import socket
import sys
import threading

import pytest

from endpoint import wait_until
from upgrading import UpgradingWye
from wye_cluster.cluster import free_ports

# Makes itself what systemd would start: sockets from number 3 on, named in the environment, and no options for them.
ACTIVATE = """
import os, sys
names, numbers, keep, command = sys.argv[1], sys.argv[2].split(","), sys.argv[3] == "keep", sys.argv[4:]
for i, number in enumerate(numbers):
    os.dup2(int(number), 3 + i)
os.environ.update(LISTEN_FDS=str(len(numbers)), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=names)
while not keep and command[2] in ("--listen", "--admin", "--http"):
    del command[2:4]
os.execv(command[0], command)
"""


@contextlib.contextmanager
def activated(cluster, directory, keep):
    """A wye whose sockets have been opened for it: at the addresses of its options, or with names alone."""
    directory.mkdir()
    port = free_ports(3)
    with contextlib.ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", port + i))) for i in range(3)]
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(str(directory / "wye.sock"))
        local.listen()
        listening.append(local)
        # Out of the way of the numbers from 3 on.
        numbers = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in listening]
        starter = [sys.executable, "-c", ACTIVATE, "clients:admin:http:clients", ",".join(map(str, numbers)),
                   "keep" if keep else "drop"]
        wye = UpgradingWye(directory, cluster.monitor_url(), port=port, starter=starter, pass_fds=numbers)
        for number in numbers:
            os.close(number)
    try:
        yield wye.ready()
    finally:
        wye.kill()


@pytest.mark.parametrize("keep", [True, False], ids=["by-address", "by-name"])
def test_sockets_that_are_given_are_listened_on_and_passed_on(cluster, tmp_path, wye_binary, keep):
    with activated(cluster, tmp_path / "wye", keep) as wye:
        def everything_answers():
            for by_socket in (False, True):
                with wye.session(by_socket=by_socket) as session:
                    assert session.value("SELECT 1") == 1
            assert wye.console("SELECT 2") == [{"2": 2}]
            assert wye.get("/healthz")[0] == 200
        everything_answers()
        wye.upgrade()
        everything_answers()
        wye.wait_alone()
        wye.finish()
        # The file is systemd's.
        assert (tmp_path / "wye" / "wye.sock").is_socket()


def test_notify(cluster, tmp_path, wye_binary):
    """Ready, reloading, the next main process, stopping; and every now and then that it is alive."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        told = []

        def listens():
            while line := manager.recv(4096):
                told.extend(line.decode().splitlines())

        def hears(word):
            wait_until(lambda: any(word in line for line in told), "systemd to be told %s" % word)
            del told[:next(i for i, line in enumerate(told) if word in line) + 1]

        # All the time, as systemd does: who tells it something waits for that.
        listener = threading.Thread(target=listens, daemon=True)
        listener.start()

        wye = UpgradingWye(tmp_path / "wye", cluster.monitor_url(),
                           env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
        try:
            for word in ("READY=1", "WATCHDOG=1", "WATCHDOG=1"):
                hears(word)
            wye.upgrade()
            for word in ("RELOADING=1", "MONOTONIC_USEC=", "MAINPID=%d" % wye.pid, "READY=1"):
                hears(word)
            wye.wait_alone()
            told.clear()
            for word in ("WATCHDOG=1", "WATCHDOG=1"):
                hears(word)
            wye.finish()
            hears("STOPPING=1")
        finally:
            wye.kill()
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", str(tmp_path / "notify"))
            listener.join(60)
