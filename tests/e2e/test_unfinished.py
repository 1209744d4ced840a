"""Connections that never log in keep nobody out: where all places are taken they give way."""

import contextlib
import socket

import pymysql
import pytest

from conftest import start_wye
from endpoint import wait_until

PLACES = 12


@pytest.fixture
def small(cluster, wye_binary, tmp_path):
    """A wye with few places, at which nobody is late."""
    one = start_wye(cluster, tmp_path, "--set", "max_connections=%d" % PLACES, "--set", "login_timeout=1h")
    try:
        yield one
    finally:
        one.finish()


class Silent:
    """A connection that has got its greeting and answers with less than a login."""

    def __init__(self, wye, says):
        self.socket = socket.create_connection((wye.host, wye.port), source_address=("127.0.0.2", 0), timeout=60)
        assert self.socket.recv(1), "no greeting"
        self.socket.sendall(says)

    def is_closed(self):
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                pass
            return True
        except BlockingIOError:
            return False
        except ConnectionError:
            return True


def clients(wye, address):
    rows = wye.console("SELECT client FROM stats_sessions")
    return sum(row["client"].startswith(address + ":") for row in rows)


@pytest.mark.parametrize("says", [b"", b"\xc8\x00\x00\x01\x00", b"PROXY TCP4 1"], ids=["nothing", "part", "header"])
def test_who_never_logs_in_gives_way_to_who_does(small, says):
    with contextlib.ExitStack() as stack:
        silent = [Silent(small, says) for _ in range(2 * PLACES)]
        for one in silent:
            stack.callback(one.socket.close)
        refusals = []

        def enters():
            """Whether one more client gets in, to stay. Not while wye has still to read what all the silent ones said."""
            try:
                stack.enter_context(contextlib.closing(small.connect(database=None)))
                return True
            except pymysql.OperationalError as error:
                refusals.append(error.args[0])
                return False
        for _ in range(PLACES):
            wait_until(enters, "a client to get in")
        # Who has logged in gives way to nobody.
        wait_until(lambda: not enters() and refusals[-1] == 1040 and all(one.is_closed() for one in silent),
                   "all the silent ones, and they only, to have given way")
        assert clients(small, "127.0.0.1") >= PLACES and clients(small, "127.0.0.2") == 0
