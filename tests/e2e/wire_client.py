"""A client that speaks the protocol itself: it chooses its capabilities, writes several commands at once, and reads packets.

Only mysql_native_password and caching_sha2_password over TLS are known, which is what the test accounts have.
"""

import contextlib
import hashlib
import socket
import ssl
import struct

from endpoint import any_certificate

LONG_PASSWORD, FOUND_ROWS, CONNECT_WITH_DB, COMPRESS, LOCAL_FILES = 1, 2, 8, 32, 128
IGNORE_SPACE, PROTOCOL_41, INTERACTIVE, SSL, TRANSACTIONS = 256, 512, 1024, 2048, 8192
SECURE_CONNECTION, MULTI_STATEMENTS, MULTI_RESULTS, PS_MULTI_RESULTS = 1 << 15, 1 << 16, 1 << 17, 1 << 18
PLUGIN_AUTH, CONNECT_ATTRS, SESSION_TRACK, DEPRECATE_EOF = 1 << 19, 1 << 20, 1 << 23, 1 << 24
ZSTD, QUERY_ATTRIBUTES = 1 << 26, 1 << 27
STMT_BULK, EXTENDED_METADATA, CACHE_METADATA, UNIT_RESULTS = 4, 8, 16, 32

USUAL = (LONG_PASSWORD | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | MULTI_RESULTS | PS_MULTI_RESULTS | PLUGIN_AUTH
         | DEPRECATE_EOF | CONNECT_WITH_DB)

QUERY, PREPARE, EXECUTE, LONG_DATA, CLOSE, RESET, FETCH, BULK = 3, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1C, 0xFA
LAST = 0xFFFFFFFF
TINY, LONG, LONGLONG, VAR_STRING, BLOB = 1, 3, 8, 253, 252
MORE_RESULTS, CURSOR_EXISTS, LAST_ROW_SENT = 8, 0x40, 0x80


class ServerError(Exception):
    @property
    def code(self):
        return self.args[0]


def lenenc(data):
    data = data.encode() if isinstance(data, str) else data
    return lenenc_int(len(data)) + data


def lenenc_int(n):
    if n < 251:
        return bytes([n])
    return b"\xfc" + struct.pack("<H", n) if n < 65536 else b"\xfd" + struct.pack("<I", n)[:3]


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")

    def lenenc(self):
        first = self.number(1)
        return None if first == 251 else first if first < 251 else self.number({252: 2, 253: 3, 254: 8}[first])

    def text(self):
        n = self.lenenc()
        return None if n is None else self.take(n)

    def zero(self):
        end = self.data.index(0, self.at)
        piece = self.take(end - self.at)
        self.at += 1
        return piece


def statement(number, flags=0, types=(), values=(), bound=True):
    """An EXECUTE; values are bytes as they go over the wire, or None."""
    body = bytes([EXECUTE]) + struct.pack("<IBI", number, flags, 1)
    if types:
        nulls = bytearray((len(types) + 7) // 8)
        for i, value in enumerate(values):
            if value is None:
                nulls[i // 8] |= 1 << i % 8
        body += bytes(nulls) + bytes([bound])
        if bound:
            body += b"".join(struct.pack("<H", one) for one in types)
        body += b"".join(value for value in values if value is not None)
    return body


class WireClient:
    def __init__(self, endpoint, caps=USUAL, mariadb_caps=0, user="app", database="app", tls=False, attributes=None,
                 without=0, collation=45, zstd_level=3, timeout=60):
        self.socket = socket.create_connection((endpoint.host, endpoint.port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        greeting = Reader(self.packet())
        greeting.take(1)
        self.version = greeting.zero().decode()
        self.id = greeting.number(4)
        nonce = greeting.take(8)
        greeting.take(1)
        self.offered = greeting.number(2)
        self.collation = greeting.number(1)
        greeting.take(2)
        self.offered |= greeting.number(2) << 16
        greeting.take(7)
        self.offered_mariadb = greeting.number(4) if not self.offered & LONG_PASSWORD else 0
        if self.offered & LONG_PASSWORD:
            greeting.take(4)
        nonce += greeting.take(13)[:12]
        plugin = greeting.zero().decode()
        if not self.offered & LONG_PASSWORD:
            caps &= ~LONG_PASSWORD
        caps &= ~without
        caps |= CONNECT_ATTRS if attributes else 0
        caps |= SSL if tls else 0
        self.caps, self.mariadb_caps = caps & self.offered, mariadb_caps & self.offered_mariadb
        head = struct.pack("<IIB19xI", caps, 1 << 30, collation, self.mariadb_caps if not caps & LONG_PASSWORD else 0)
        self.number = 1
        if tls:
            self.send(head)
            self.socket = any_certificate().wrap_socket(self.socket, server_hostname=endpoint.host)
        answer = self.scramble(plugin, user, nonce)
        login = head + user.encode() + b"\0" + bytes([len(answer)]) + answer
        login += (database.encode() + b"\0" if caps & CONNECT_WITH_DB else b"") + plugin.encode() + b"\0"
        if attributes:
            login += lenenc(b"".join(lenenc(name) + lenenc(value) for name, value in attributes.items()))
        if caps & ZSTD:
            login += bytes([zstd_level])
        self.send(login)
        self.authenticate(user)

    @staticmethod
    def scramble(plugin, password, nonce):
        digest = hashlib.sha1 if plugin == "mysql_native_password" else hashlib.sha256
        stage1 = digest(password.encode()).digest()
        stage2 = digest(stage1).digest()
        mask = digest(nonce + stage2 if digest is hashlib.sha1 else stage2 + nonce).digest()
        return bytes(a ^ b for a, b in zip(stage1, mask))

    def authenticate(self, password):
        while True:
            packet = self.packet()
            if packet[0] == 0:
                return
            if packet[0] == 0xFF:
                raise self.error(packet)
            if packet[0] == 0xFE:
                reader = Reader(packet[1:])
                plugin = reader.zero().decode()
                self.send(self.scramble(plugin, password, reader.data[reader.at:].rstrip(b"\0")))
            elif packet[1] == 4:
                assert isinstance(self.socket, ssl.SSLSocket), "the password is only told over TLS"
                self.send(password.encode() + b"\0")

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- packets ---

    def raw_read(self, n):
        while len(self.received) < n:
            try:
                piece = self.socket.recv(1 << 18)
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise EOFError("the connection was closed")
            self.received += piece
        piece, self.received = self.received[:n], self.received[n:]
        return piece

    def packet(self):
        payload = b""
        while True:
            head = self.raw_read(4)
            size = int.from_bytes(head[:3], "little")
            self.number = (head[3] + 1) % 256
            payload += self.raw_read(size)
            if size < 0xFFFFFF:
                return payload

    @staticmethod
    def framed(payload, number=0):
        packets = []
        while True:
            piece, payload = payload[:0xFFFFFF], payload[0xFFFFFF:]
            packets.append(struct.pack("<I", len(piece))[:3] + bytes([number % 256]) + piece)
            number += 1
            if len(piece) < 0xFFFFFF:
                return b"".join(packets)

    def send(self, payload):
        self.socket.sendall(self.framed(payload, self.number))
        self.number += 1

    def write(self, *commands):
        """All of them in one write, without waiting for an answer."""
        self.socket.sendall(b"".join(self.framed(command) for command in commands))

    def error(self, packet):
        code = int.from_bytes(packet[1:3], "little")
        text = packet[9:] if packet[3:4] == b"#" else packet[3:]
        return ServerError(code, text.decode(errors="replace"))

    def ok(self, packet):
        reader = Reader(packet)
        reader.take(1)
        one = {"affected": reader.lenenc(), "id": reader.lenenc(), "status": reader.number(2), "warnings": reader.number(2)}
        one["info"] = reader.text() if reader.at < len(packet) else b""
        one["trackers"] = reader.text() if one["status"] & 0x4000 and reader.at < len(packet) else b""
        return one

    def end(self, packet):
        if self.caps & DEPRECATE_EOF:
            return self.ok(packet)
        return {"warnings": int.from_bytes(packet[1:3], "little"), "status": int.from_bytes(packet[3:5], "little")}

    def rows(self):
        rows = []
        while True:
            packet = self.packet()
            if packet[0] == 0xFF:
                raise self.error(packet)
            if packet[0] == 0xFE and len(packet) < (0xFFFFFF if self.caps & DEPRECATE_EOF else 9):
                return rows, self.end(packet)
            rows.append(packet)

    def result(self):
        """One result: an OK, or rows as they came with the end's status."""
        packet = self.packet()
        if packet[0] == 0xFF:
            raise self.error(packet)
        if packet[0] == 0:
            return self.ok(packet)
        columns = [self.packet() for _ in range(Reader(packet).lenenc())]
        if not self.caps & DEPRECATE_EOF:
            end = self.end(self.packet())
            if end["status"] & CURSOR_EXISTS:
                return {**end, "columns": columns, "rows": []}
        rows, end = self.rows()
        return {**end, "columns": columns, "rows": rows}

    def results(self):
        found = [self.result()]
        while found[-1]["status"] & MORE_RESULTS:
            found.append(self.result())
        return found

    def prepared(self):
        packet = self.packet()
        if packet[0] == 0xFF:
            raise self.error(packet)
        number, columns, parameters = struct.unpack_from("<IHH", packet, 1)
        for count in (parameters, columns):
            for _ in range(count):
                self.packet()
            if count and not self.caps & DEPRECATE_EOF:
                self.packet()
        return number, columns, parameters

    # --- commands ---

    def query(self, text):
        text = text.encode() if isinstance(text, str) else text
        self.write(bytes([QUERY]) + (b"\0\1" if self.caps & QUERY_ATTRIBUTES else b"") + text)
        return self.result()

    def value(self, text):
        return Reader(self.query(text)["rows"][0]).text()

    def prepare(self, text):
        self.write(bytes([PREPARE]) + text.encode())
        return self.prepared()

    def execute(self, *arguments, **options):
        self.write(statement(*arguments, **options))
        return self.result()

    def close_statement(self, number):
        self.write(bytes([CLOSE]) + struct.pack("<I", number))
