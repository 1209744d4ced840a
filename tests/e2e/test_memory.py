"""A client that reads slowly costs wye next to nothing, however large its result."""

import select
import time

import pytest

from raw_client import RawClient, Walker

pytestmark = pytest.mark.heavy

MIB = 1 << 20
BOUND = 8 * MIB
DIGITS = "SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3"


def rows_statement(row_size, rows):
    """A SELECT of `rows` rows, a power of 4 but 1, of so many bytes each, from nothing but itself."""
    tables = 1
    while 4 ** tables < rows:
        tables += 1
    return "SELECT REPEAT('x', %d) FROM %s" % (row_size, ", ".join("(%s) AS t%d" % (DIGITS, i) for i in range(tables)))


class SlowReader:
    """Reads one result and looks at wye's memory on the way."""

    def __init__(self, wye, client):
        self.wye = wye
        self.client = client
        self.walker = Walker()
        self.base = wye.resident()
        self.most = 0

    def look(self):
        self.most = max(self.most, self.wye.resident() - self.base)

    def read(self, size, piece):
        """Read so many bytes, or to the end, in pieces."""
        buffer = bytearray(piece)
        seen = 0
        while seen < size and not self.walker.finished:
            got = self.client.socket.recv_into(buffer)
            assert got, "the connection was closed"
            self.walker.feed(memoryview(buffer)[:got])
            seen += got
            if seen % (1 << 22) < got:
                self.look()

    def pause(self):
        """Read nothing until nothing moves any more: every buffer between the server and here is full then."""
        still = 0
        before = None
        while still < 25:
            now = self.traffic()
            still = still + 1 if now == before else 0
            before = now
            self.look()
            time.sleep(0.02)

    def traffic(self):
        return sum(int(row["bytes_received"]) for row in self.wye.servers().values()), self.wye.resident() // 65536


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("total, row_size", [(1024 * MIB, MIB), (256 * MIB, 1024), (256 * MIB, 64 * MIB)])
def test_a_large_result_to_a_slow_reader_does_not_grow_wye(wye, total, row_size, tls):
    if tls:
        total = max(total // 4, 4 * row_size)
    # What the first client of a kind needs is not what is measured.
    with wye.session(tls=tls) as session:
        assert session.value("SELECT LENGTH(REPEAT('x', 100))") == 100
    client = RawClient(wye, receive_buffer=65536, tls=tls, read_timeout=None)
    try:
        reader = SlowReader(wye, client)
        client.query(rows_statement(row_size, total // row_size))
        reader.read(MIB, 4096)
        reader.pause()
        reader.read(8 * MIB, 4096)
        reader.pause()
        reader.read(2 * total, 1 << 20)
        assert reader.walker.finished
        assert reader.walker.rows_bytes >= total
        assert reader.most < BOUND, "wye grew by %.1f MiB" % (reader.most / MIB)
        # The connection is as good as before.
        assert select.select([client.socket], [], [], 0)[0] == []
    finally:
        client.close()


def test_many_slow_readers_together_stay_within_a_bound_each(wye):
    clients = [RawClient(wye, receive_buffer=65536) for _ in range(16)]
    try:
        readers = [SlowReader(wye, client) for client in clients]
        for client in clients:
            client.query(rows_statement(MIB, 64))
        for reader in readers:
            reader.read(65536, 4096)
        readers[0].pause()
        assert readers[0].most < len(clients) * MIB, "wye grew by %.1f MiB" % (readers[0].most / MIB)
        # Others are served meanwhile.
        with wye.session() as session:
            assert [session.value("SELECT 1 FROM whoami") for _ in range(50)] == [1] * 50
        for reader in readers:
            reader.read(1024 * MIB, 1 << 20)
            assert reader.walker.finished
    finally:
        for client in clients:
            client.close()


def test_a_large_statement_does_not_stay_in_memory(wye):
    """What was needed for a 64 MiB statement is given back, so that a second one adds nothing."""
    def send():
        with wye.session(max_allowed_packet=256 * MIB) as session:
            assert session.value("SELECT LENGTH(%s)", ["y" * (64 * MIB)]) == 64 * MIB
    send()
    base = wye.resident()
    for _ in range(3):
        send()
    assert wye.resident() - base < 16 * MIB
