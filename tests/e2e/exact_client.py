"""A client that says any command of the protocol and keeps everything of the answers, to compare them.

An answer is a list of parts, one for each result of the command, made of plain tuples:

    ("ok", affected rows, insert id, status, warnings, info, trackers)
    ("error", code, sqlstate, text)
    ("rows", [column definitions], [rows], end)      bytes as they came; end is an ("end", status, warnings, trackers)
    ("prepared", columns, parameters, warnings, [definitions])
    ("bytes", what came)                             an answer without form: COM_STATISTICS
"""

import contextlib
import struct

import pymysql
from pymysql.constants import CLIENT, COMMAND, FIELD_TYPE

from raw_client import RawClient

DEPRECATE_EOF, SESSION_TRACK, QUERY_ATTRIBUTES = 1 << 24, 1 << 23, 1 << 27
PLAIN = CLIENT.MULTI_STATEMENTS | CLIENT.MULTI_RESULTS | CLIENT.PS_MULTI_RESULTS | CLIENT.LOCAL_FILES
MODERN = PLAIN | DEPRECATE_EOF | SESSION_TRACK

MORE_RESULTS, CURSOR_EXISTS, METADATA_CHANGED, WAS_SLOW, STATE_CHANGED = 0x8, 0x40, 0x400, 0x800, 0x4000
NO_GOOD_INDEX, NO_INDEX = 0x10, 0x20
# Not part of an answer: how long the statement took, which indexes were chosen (by statistics of that moment), and
# whether it was prepared before its table was changed. (What STATE_CHANGED announces is compared itself.)
MASKED = METADATA_CHANGED | WAS_SLOW | NO_GOOD_INDEX | NO_INDEX | STATE_CHANGED

TRACKERS = {0: "variable", 1: "schema", 2: "state", 3: "gtids", 4: "characteristics", 5: "transaction"}
CHARSET_BINARY, CHARSET_UTF8MB4 = 63, 45


NO_ATTRIBUTES = b"\x00\x01"
NO_CONNECTION_ATTRIBUTES = b"\x00"


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        part = self.data[self.at:self.at + size]
        if len(part) < size:
            raise AssertionError("a packet that is cut short: %r" % self.data)
        self.at += size
        return part

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def lenenc(self):
        first = self.number(1)
        return first if first < 0xFB else self.number({0xFC: 2, 0xFD: 3, 0xFE: 8}[first])

    def text(self):
        return self.take(self.lenenc())


def lenenc_text(data):
    size = len(data)
    head = bytes([size]) if size < 0xFB else b"\xfc" + struct.pack("<H", size) if size < 1 << 16 else (
        b"\xfd" + struct.pack("<I", size)[:3])
    return head + data


def trackers_of(reader):
    """What the server told of the session's state: (kind, bytes...) in the order it came."""
    told, inside = [], Reader(reader.text())
    while inside.left():
        kind, entry = TRACKERS.get(inside.number(1), "unknown"), Reader(inside.text())
        if kind == "variable":
            while entry.left():
                told.append((kind, entry.text(), entry.text()))
        elif kind == "state":
            told.append((kind, entry.data))
        elif kind == "gtids":
            told.append((kind, "a position"))  # every write has its own
        elif kind != "transaction":  # MySQL tells of BEGIN even when it was not asked to; wye may not have begun yet
            told.append((kind, entry.text()))
    return sorted(told)  # MariaDB tells them in any order


class AttributedConnection(pymysql.connections.Connection):
    """What PyMySQL itself sends at the login of a client that has agreed on query attributes: none, that is."""

    def _execute_command(self, command, sql):
        sql = sql.encode() if isinstance(sql, str) else sql
        super()._execute_command(command, NO_ATTRIBUTES + sql if command == COMMAND.COM_QUERY else sql)


class ExactClient(RawClient):
    def __init__(self, endpoint, flags=PLAIN, **options):
        if flags & QUERY_ATTRIBUTES:
            options["kind"] = AttributedConnection
        super().__init__(endpoint, client_flag=flags, **options)
        self.socket.settimeout(30)
        self.received = bytearray()  # and not yet taken
        self.flags = self.connection.client_flag & self.connection.server_capabilities
        self.id = self.connection.server_thread_id[0]
        self.statements = {}   # by the script's name: (server's number, parameters)
        self.file = b""        # what a LOAD DATA LOCAL is to get
        self.attributes = {}   # of the next statement
        self.wants_cursor = False

    # --- sending ---

    def command(self, code, payload=b""):
        self.send(0, bytes([code]) + payload)

    def ask(self, code, payload=b""):
        self.command(code, payload)
        return self.answer(code)

    def run(self, statement):
        text = statement if isinstance(statement, bytes) else statement.encode()
        return self.ask(COMMAND.COM_QUERY, self._attributes() + text if self.flags & QUERY_ATTRIBUTES else text)

    def _attributes(self):
        """In front of a statement's text: how many, of what types and names, their values."""
        given, self.attributes = self.attributes, {}
        if not given:
            return NO_ATTRIBUTES
        bound = [(name, *bound_value(value)) for name, value in given.items()]
        nulls = null_bits(list(given.values()))
        return (bytes([len(bound), 1]) + nulls + b"\x01" +
                b"".join(kind + lenenc_text(name.encode()) for name, kind, _ in bound) + b"".join(b for _, _, b in bound))

    def prepare(self, name, statement):
        self.command(COMMAND.COM_STMT_PREPARE, statement.encode())
        parts, number = self._prepared()
        if number is not None:
            self.statements[name] = (number, parts[0][2])
        return parts

    def number_of(self, name):
        return self.statements.get(name, (0x7FFFFFF0, 0))[0]

    def execute(self, name, values, cursor=False, types=True):
        number, parameters = self.statements.get(name, (0x7FFFFFF0, len(values)))
        payload = struct.pack("<IBI", number, 1 if cursor else 0, 1)
        if parameters:
            bound = [bound_value(value) for value in values]
            kinds, data = (b"".join(part) for part in zip(*bound)) if bound else (b"", b"")
            payload += null_bits(values) + (b"\x01" + kinds if types else b"\x00") + data
        self.wants_cursor = cursor
        return self.ask(COMMAND.COM_STMT_EXECUTE, payload)

    def long_data(self, name, parameter, data):
        self.command(COMMAND.COM_STMT_SEND_LONG_DATA, struct.pack("<IH", self.number_of(name), parameter) + data)
        return []

    def fetch(self, name, rows):
        return self.ask(COMMAND.COM_STMT_FETCH, struct.pack("<II", self.number_of(name), rows))

    def reset_statement(self, name):
        return self.ask(COMMAND.COM_STMT_RESET, struct.pack("<I", self.number_of(name)))

    def close_statement(self, name):
        self.command(COMMAND.COM_STMT_CLOSE, struct.pack("<I", self.number_of(name)))
        return []

    def change_user(self, user, schema):
        """The account's own way to log in is asked for at once by every server."""
        plugin = (self.connection._auth_plugin_name or "mysql_native_password").encode()
        self.command(COMMAND.COM_CHANGE_USER, user.encode() + b"\0" + b"\0" + schema.encode() + b"\0" +
                     struct.pack("<H", CHARSET_UTF8MB4) + plugin + b"\0" + NO_CONNECTION_ATTRIBUTES)
        while True:
            data = self.read_packet()
            if data[:1] in (b"\x00", b"\xff"):
                return [self._error(data) if data[0] else self._ok(data)]
            self._authenticate(data, user)

    def _authenticate(self, data, password):
        if data[:1] == b"\x01":
            assert data[1:2] in (b"\x03", b"\x04")
            if data[1:2] == b"\x04":
                raise AssertionError("the server's cache of the password is cold")
            return
        name, _, nonce = data[1:].partition(b"\0")
        scramble = {b"mysql_native_password": pymysql._auth.scramble_native_password,
                    b"caching_sha2_password": pymysql._auth.scramble_caching_sha2}[name]
        self.send(self.sequence + 1, scramble(password.encode(), nonce[:20]))

    # --- answers ---

    def read_exactly(self, size):
        while len(self.received) < size:
            part = self.socket.recv(1 << 16)
            if not part:
                raise EOFError("the connection was closed")
            self.received += part
        data = bytes(self.received[:size])
        del self.received[:size]
        return data

    def read_packet(self):
        head = self.read_exactly(4)
        self.sequence = head[3]
        return self.read_exactly(int.from_bytes(head[:3], "little"))

    def answer(self, code):
        parts = []
        while True:
            part, more = self._result(code)
            parts.append(part)
            if not more:
                return parts

    def _result(self, code):
        data = self.read_packet()
        first = data[0] if data else None
        if first == 0xFF:
            return self._error(data), False
        if code == COMMAND.COM_FIELD_LIST:
            return self._list_of_columns(data), False
        if code == COMMAND.COM_STMT_FETCH:
            return self._rows([], data), False
        if code == COMMAND.COM_STATISTICS:
            return ("bytes", data), False
        if first == 0xFE and self._ends(data):
            return self._end(data), False
        if first == 0xFB:
            self._send_file()
            return self._result(code)
        if first == 0:
            part = self._ok(data)
            return part, part[3] & MORE_RESULTS
        return self._result_set(code, data)

    def _send_file(self):
        for at in range(0, len(self.file), 1 << 16):
            self.sequence += 1
            self.send(self.sequence & 0xFF, self.file[at:at + (1 << 16)])
        self.send(self.sequence + 1 & 0xFF, b"")

    def _ends(self, data):
        return data[0] == 0xFE and (len(data) < 0xFFFFFF if self.flags & DEPRECATE_EOF else len(data) < 9)

    def _result_set(self, code, data):
        columns = [self.read_packet() for _ in range(Reader(data).lenenc())]
        begin = None if self.flags & DEPRECATE_EOF else self._end(self.read_packet())
        # A routine's own cursor shows in its results as well.
        if begin and begin[1] & CURSOR_EXISTS and code == COMMAND.COM_STMT_EXECUTE and self.wants_cursor:
            return ("rows", columns, [], begin), False
        part = self._rows(columns, self.read_packet())
        if begin:
            part += (begin,)
        return part, part[3][0] == "end" and part[3][1] & MORE_RESULTS

    def _rows(self, columns, data):
        rows = []
        while data[0] != 0xFF and not self._ends(data):
            rows.append(data)
            data = self.read_packet()
        return ("rows", columns, rows, self._error(data) if data[0] == 0xFF else self._end(data))

    def _list_of_columns(self, data):
        columns = []
        while not self._ends(data):
            columns.append(data)
            data = self.read_packet()
        return ("rows", columns, [], self._end(data))

    def _prepared(self):
        data = self.read_packet()
        if data[0] == 0xFF:
            return [self._error(data)], None
        reader = Reader(data[1:])
        number, columns, parameters = reader.number(4), reader.number(2), reader.number(2)
        warnings = reader.number(3) >> 8
        definitions = []
        for count in (parameters, columns):
            definitions += [self.read_packet() for _ in range(count)]
            if count and not self.flags & DEPRECATE_EOF:
                definitions.append(self._end(self.read_packet()))
        return [("prepared", columns, parameters, warnings, definitions)], number

    def _end(self, data):
        if self.flags & DEPRECATE_EOF:
            ok = self._ok(data)
            return ("end", ok[3], ok[4], ok[6])
        reader = Reader(data[1:])
        warnings = reader.number(2)
        return ("end", reader.number(2) & ~MASKED, warnings, [])

    def _ok(self, data):
        reader = Reader(data[1:])
        affected, insert_id = reader.lenenc(), reader.lenenc()
        status, warnings = reader.number(2), reader.number(2)
        info, trackers = b"", []
        if reader.left():
            info = reader.text()
        if self.flags & SESSION_TRACK and status & STATE_CHANGED:
            trackers = trackers_of(reader)
        return ("ok", affected, insert_id, status & ~MASKED, warnings, info + reader.take(reader.left()), trackers)

    @staticmethod
    def _error(data):
        return ("error", int.from_bytes(data[1:3], "little"), data[4:9].decode(), data[9:].decode("utf-8", "replace"))

    def quit(self):
        with contextlib.suppress(OSError):
            self.command(COMMAND.COM_QUIT)
        self.close()


def null_bits(values):
    bits = bytearray((len(values) + 7) // 8)
    for i, value in enumerate(values):
        if value is None:
            bits[i // 8] |= 1 << i % 8
    return bytes(bits)


def bound_value(value):
    """A parameter's type and value in the binary protocol."""
    if value is None:
        return bytes([FIELD_TYPE.NULL, 0]), b""
    if isinstance(value, int):
        return bytes([FIELD_TYPE.LONGLONG, 0]), struct.pack("<q", value)
    if isinstance(value, float):
        return bytes([FIELD_TYPE.DOUBLE, 0]), struct.pack("<d", value)
    if isinstance(value, bytes):
        return bytes([FIELD_TYPE.BLOB, 0]), lenenc_text(value)
    return bytes([FIELD_TYPE.VAR_STRING, 0]), lenenc_text(value.encode())
