"""What is measured in front of the fake servers, and needs clients of its own: one long stream, and clients that rest."""

import resource
import socket
import subprocess
import time

from . import contenders, loads

STREAM_BYTES = 1 << 30
CAPS = 0x000AA205  # PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH, MULTI_RESULTS and kin; no database


def packet(sequence, payload):
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def stream(target):
    """Bytes and seconds of one result of a gigabyte, read to its end."""
    with socket.create_connection((target.host, target.port), 60) as s:
        s.recv(4096)
        s.sendall(packet(1, CAPS.to_bytes(4, "little") + bytes(4) + b"\x21" + bytes(23) + b"idle\0\0"
                         b"mysql_native_password\0"))
        answer = s.recv(4096)
        if len(answer) > 4 and answer[4] == 0xFE:
            s.sendall(packet(3, b""))
            answer = s.recv(4096)
        if len(answer) < 5 or answer[4] != 0:
            raise RuntimeError("%s: login refused: %r" % (target.name, answer))
        # The connection ends when COM_QUIT, which waits behind it, is read.
        s.sendall(packet(0, b"\3SELECT stream") + packet(0, b"\1"))
        got, room, began = 0, bytearray(1 << 20), time.monotonic()
        while n := s.recv_into(room):
            got += n
        return got, time.monotonic() - began


def measure_stream(target):
    before = target.cost.cpu()
    got, seconds = stream(target)
    if got < STREAM_BYTES:
        raise RuntimeError("%s: the stream ended after %d bytes" % (target.name, got))
    user, system = (b - a for a, b in zip(before, target.cost.cpu()))
    return {"cpu_s_per_gb": (user + system) / (got / 1e9), "gb_per_second": got / 1e9 / seconds}


class Resting:
    """Clients that have run one statement and do nothing more."""

    def __init__(self, folder, target, count):
        binary = contenders.built(folder, "idle_clients.c")
        self.process = subprocess.Popen(
            [str(binary), str(target.port), str(count), "idle", "SELECT c FROM sbtest1 WHERE id=1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            self.stop()
            raise RuntimeError("%s: %d clients could not be connected" % (target.name, count))

    def stop(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def measure_idle(make, folder, count, seconds, cores):
    """Of a contender begun for this: memory for each resting client, its cost while they rest, and what a statement of
    sixteen others costs beside them."""
    target = make()
    try:
        time.sleep(1)  # it answers before all of its start is over
        empty = target.cost.resident()
        resting = Resting(folder, target, count)
        try:
            time.sleep(2)
            full, before = target.cost.resident(), sum(target.cost.cpu())
            time.sleep(seconds)
            idle = (sum(target.cost.cpu()) - before) * 1000 / seconds
            before = target.cost.cpu()
            seen = loads.run(loads.Load("beside", "oltp_point_select", 16), target, seconds, cores)
            user, system = (b - a for a, b in zip(before, target.cost.cpu()))
        finally:
            resting.stop()
    finally:
        target.stop()
    each = 1e6 / seen["statements"]
    return {"resident_kib": empty, "bytes_each": (full - empty) * 1024 / count, "idle_ms": idle,
            "us": (user + system) * each, "user_us": user * each, "system_us": system * each}


def idle_counts(quick):
    """As many as the files that may be open allow: a relay needs two for each, and so do the servers."""
    most = (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1000) // 2
    return sorted({min(wanted, most) for wanted in ((5000,) if quick else (10000, 50000))})
