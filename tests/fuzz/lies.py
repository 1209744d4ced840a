"""What liars say: a stream of packets in which some are not what they were. A relay stands between wye and somebody honest."""

import asyncio
import random
import struct

HEADER = 4
MOST_KEPT = 1 << 20  # bytes of a packet that is not whole yet; more pass as they are

# Beginnings of answers and commands, lengths at their limits, numbers that are no length.
WORDS = [b"\x00", b"\xff", b"\xfe", b"\xfb", b"\xfa", b"\x01", b"\x03", b"\x16", b"\x17", b"\x19", b"\x1f", b"\xfc\xff\xff",
         b"\xfd\xff\xff\xff", b"\xfe" + b"\xff" * 8, b"\xff" * 4, b"\x00" * 4, b"\xff\xff\xff", b"\x00\x00\x00\x00\x00",
         b"\xff\x10\x04#08004Too many connections", b"\xff\x15\x04#28000Access denied", b"\xff\x0a\x05#HY000read-only",
         b"\xfe\x00\x00\x02\x00", b"\xfe\x00\x00\x0a\x00", b"\x00\x00\x00\x02\x40\x00\x00\x05\x00\x03\x02\x41\x42",
         b"\xfemysql_clear_password\x00", b"\xfecaching_sha2_password\x00" + b"A" * 21, b"\x01\x04", b"\x01\x03",
         b"SELECT ", b"/*!", b"'", b"\\", b"BEGIN", b"\x00\x00\x00\x00\x01\x00\x00\x00"]


class End(Exception):
    """The connection is to be closed here."""


class Packets:
    """Bytes of one direction go in; what leaves is told to a wire each time."""

    def __init__(self, rng, rate):
        self.rng = rng
        self.rate = rate  # of packets that are changed
        self.kept = b""
        self.told = []    # the changes, for who reads a finding

    def feed(self, data):
        self.kept += data
        out = []
        while len(self.kept) >= HEADER:
            size = HEADER + int.from_bytes(self.kept[:3], "little")
            if len(self.kept) < size:
                if len(self.kept) > MOST_KEPT:
                    out.append(self.kept)
                    self.kept = b""
                break
            packet, self.kept = self.kept[:size], self.kept[size:]
            out.append(self.change(packet) if self.rng.random() < self.rate else packet)
        return b"".join(out)

    def change(self, packet):
        how = self.rng.choice(CHANGES)
        self.told.append(how.__name__)
        return how(self.rng, bytearray(packet))


def framed(packet, payload):
    return struct.pack("<I", len(payload))[:3] + bytes(packet[3:HEADER]) + bytes(payload)


def place(rng, packet):
    """Mostly near the beginning, where lengths and kinds stand."""
    most = len(packet) - 1
    return min(most, HEADER + (rng.randrange(12) if rng.random() < 0.6 else rng.randrange(1 + most)))


def flips_a_bit(rng, packet):
    packet[place(rng, packet)] ^= 1 << rng.randrange(8)
    return bytes(packet)


def sets_bytes(rng, packet):
    at, word = place(rng, packet), rng.choice(WORDS)
    return framed(packet, (bytes(packet[HEADER:at]) + word + bytes(packet[at + len(word):])))


def puts_bytes_in(rng, packet):
    at, word = place(rng, packet), rng.choice(WORDS)
    return framed(packet, bytes(packet[HEADER:at]) + word + bytes(packet[at:]))


def cuts_short(rng, packet):
    return framed(packet, packet[HEADER:HEADER + rng.randrange(max(1, len(packet) - HEADER))])


def is_empty(_, packet):
    return framed(packet, b"")


def lies_about_its_length(rng, packet):
    packet[rng.randrange(3)] ^= 1 << rng.randrange(8)
    return bytes(packet)


def counts_wrong(rng, packet):
    packet[3] = rng.randrange(256)
    return bytes(packet)


def comes_twice(_, packet):
    return bytes(packet) * 2


def comes_not(_, _packet):
    return b""


def is_another(rng, packet):
    return framed(packet, rng.choice(WORDS) + rng.choice([b"", b"\x00" * 7, bytes(rng.randrange(256) for _ in range(40))]))


def comes_before_another(rng, packet):
    return bytes(packet) + is_another(rng, packet)


def comes_behind_another(rng, packet):
    return is_another(rng, packet) + bytes(packet)


def is_long(rng, packet):
    return framed(packet, bytes(packet[HEADER:]) + rng.choice([b"\x00", b"\xff", b"A", b"\xfb"]) * rng.choice([300, 5000, 70000, 300000]))


def ends_inside(rng, packet):
    raise End(bytes(packet[:rng.randrange(len(packet))]))


CHANGES = [flips_a_bit] * 4 + [sets_bytes] * 4 + [puts_bytes_in] * 3 + [cuts_short] * 3 + [
    is_empty, lies_about_its_length, lies_about_its_length, counts_wrong, comes_twice, comes_not, is_another, is_another,
    comes_before_another, comes_behind_another, is_long, ends_inside]


class LyingRelay:
    """On 127.0.0.1 in front of a port there. `who` lies: "server" or "client"; a share of the connections do, at a rate of
    their packets. Each connection's lies follow from the seed and its number. Lives in the loop of its thread."""

    def __init__(self, port, who, seed, share, rate):
        self.target, self.who, self.seed, self.share, self.rate = port, who, seed, share, rate
        self.honest = False  # whether connections that begin from now on are
        self.begun = self.lying = self.lies = 0
        self.wires = set()
        self.port = None

    async def start(self):
        server = await asyncio.start_server(self.relay, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    def tear(self):
        """Every connection is closed."""
        for wire in list(self.wires):
            wire.transport.abort()

    async def relay(self, reader, writer):
        rng = random.Random("%s %s %d" % (self.seed, self.who, self.begun))
        self.begun += 1
        lies = not self.honest and rng.random() < self.share
        self.lying += lies
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        self.wires |= {writer, back}
        up, down = (Packets(rng, self.rate if lies and self.who == who else 0) for who in ("client", "server"))
        await asyncio.gather(self.pump(reader, back, up, rng), self.pump(there, writer, down, rng), return_exceptions=True)
        self.lies += len(up.told) + len(down.told)
        self.wires -= {writer, back}

    async def pump(self, reader, writer, packets, rng):
        try:
            while data := await reader.read(65536):
                out = packets.feed(data) if packets.rate else data
                for piece in pieces(rng, out) if packets.rate else [out]:
                    writer.write(piece)
                    await writer.drain()
            writer.write(packets.kept)
            await writer.drain()
        except End as end:
            writer.write(end.args[0])
            packets.told.append("ends_inside")
        except OSError:
            pass
        writer.close()


def pieces(rng, data):
    """Now and then as few bytes at a time as a bad wire brings."""
    if len(data) > 2000 or rng.random() > 0.1:
        return [data]
    size = rng.choice([1, 2, 3, 7, 50])
    return [data[i:i + size] for i in range(0, len(data), size)]
