"""A crowd of clients in one thread: each with settings of its own, which it looks at in every statement it sends.

Each logs in as any client does; from there on its socket belongs to an event loop, so that two thousand of them fit
into one process. A client thinks between its statements: far fewer statements than clients are on their way at once.
"""

import asyncio
import itertools
import random

from pymysql.constants import COMMAND

DATABASES = ("app", "app2", "app_crowd1", "app_crowd2")
SQL_MODES = ("", "ANSI_QUOTES", "PIPES_AS_CONCAT", "NO_BACKSLASH_ESCAPES", "STRICT_ALL_TABLES",
             "PIPES_AS_CONCAT,ANSI_QUOTES", "STRICT_TRANS_TABLES,NO_ZERO_DATE")
NAMES = (("utf8mb4", "utf8mb4_bin"), ("latin1", "latin1_swedish_ci"), ("utf8mb4", "utf8mb4_unicode_ci"),
         ("latin2", "latin2_general_ci"))
TIME_ZONES = tuple("%s%02d:%02d" % (sign, hour, minute) for sign in "+-" for hour in range(12) for minute in (15, 30, 45))

MINE = "@@sql_mode, @@time_zone, @@character_set_client, @@collation_connection, DATABASE(), @mine"
TABLE = ("CREATE TABLE %s.crowd (client INT NOT NULL, number INT NOT NULL, sql_mode VARCHAR(200), zone VARCHAR(20),"
         " charset VARCHAR(20), collation_name VARCHAR(40), db VARCHAR(20), mine VARCHAR(20),"
         " PRIMARY KEY (client, number))")
WRITE_EVERY = 4


def prepare(cluster):
    with cluster.witness.root(cluster.primary) as root:
        for name in DATABASES:
            root.run("CREATE DATABASE IF NOT EXISTS %s" % name)
            root.run("DROP TABLE IF EXISTS %s.crowd" % name)
            root.run(TABLE % name)
    cluster.wait_caught_up()


def text_values(row):
    """The values of a text row; all here are shorter than 251 bytes."""
    values, at = [], 0
    while at < len(row):
        size = row[at]
        values.append(None if size == 251 else row[at + 1:at + 1 + size].decode())
        at += 1 if size == 251 else 1 + size
    return values


class Answer:
    """Collects the packets of one answer: an OK, an error, or a result set with EOF packets."""

    def __init__(self):
        self.buffer = b""
        self.packets = []
        self.ends = 0

    def feed(self, data):
        """Whether the answer is complete."""
        self.buffer += data
        while len(self.buffer) >= 4:
            size = int.from_bytes(self.buffer[:3], "little")
            if len(self.buffer) < 4 + size:
                return False
            packet, self.buffer = self.buffer[4:4 + size], self.buffer[4 + size:]
            self.packets.append(packet)
            self.ends += packet[0] == 0xFE and size < 9
            if self.ends == 2 or len(self.packets) == 1 and packet[0] in (0x00, 0xFF):
                return True
        return False

    def error(self):
        packet = self.packets[0]
        return "error %d %s" % (int.from_bytes(packet[1:3], "little"), packet[3:].decode(errors="replace")) \
            if packet[0] == 0xFF else None

    def rows(self):
        return [text_values(packet) for packet in self.packets[self.packets[0][0] + 2:-1]]


class Client(asyncio.Protocol):
    def __init__(self, crowd, number):
        self.crowd, self.number = crowd, number
        self.random = random.Random(number)
        self.database = self.random.choice(DATABASES)
        self.sql_mode = self.random.choice(SQL_MODES)
        self.charset, self.collation = self.random.choice(NAMES)
        self.zone = self.random.choice(TIME_ZONES)
        self.sent = self.written = 0
        self.begin = iter(self.settings())
        self.answer = self.transport = self.check = None

    def settings(self):
        """What it does first, each in a statement of its own, as drivers and frameworks do."""
        yield COMMAND.COM_QUERY, "SET NAMES %s COLLATE %s" % (self.charset, self.collation)
        yield COMMAND.COM_INIT_DB, self.database
        yield COMMAND.COM_QUERY, "SET SESSION sql_mode = '%s', time_zone = '%s'" % (self.sql_mode, self.zone)
        if self.crowd.user_variables:
            yield COMMAND.COM_QUERY, "SET @mine = %d" % self.number

    def expected(self):
        return [self.sql_mode, self.zone, self.charset, self.collation, self.database,
                str(self.number) if self.crowd.user_variables else None]

    def connection_made(self, transport):
        self.transport = transport
        self.think()

    def think(self):
        asyncio.get_running_loop().call_later(self.random.uniform(0, 2 * self.crowd.think), self.next)

    def next(self):
        command, text = next(self.begin, (None, None))
        self.check = None
        if command is None:
            if self.sent == self.crowd.statements:
                self.end(None)
                return
            self.sent += 1
            command, text = COMMAND.COM_QUERY, self.write() if self.sent % WRITE_EVERY == 0 else self.read()
        payload = bytes([command]) + text.encode()
        self.answer = Answer()
        self.transport.write(len(payload).to_bytes(3, "little") + b"\0" + payload)

    def mine(self):
        return MINE if self.crowd.user_variables else MINE.replace("@mine", "NULL")

    def read(self):
        self.check = self.expected() + [str(self.written)]
        return "SELECT %s, (SELECT COUNT(*) FROM crowd WHERE client = %d)" % (self.mine(), self.number)

    def write(self):
        self.written += 1
        return "INSERT INTO crowd SELECT %d, %d, %s" % (self.number, self.written, self.mine())

    def data_received(self, data):
        if self.answer is None:
            self.end("bytes that nobody asked for: %r" % data[:80])
        elif self.answer.feed(data):
            answer, self.answer = self.answer, None
            wrong = answer.error()
            if not wrong and self.check and answer.rows() != [self.check]:
                wrong = "expected %s, got %s" % (self.check, answer.rows())
            if wrong:
                self.end(wrong)
            else:
                self.crowd.done += 1
                self.think()

    def connection_lost(self, error):
        self.end("the connection was closed: %s" % error)

    def end(self, wrong):
        if self.transport is None:
            return
        transport, self.transport = self.transport, None
        if wrong:
            self.crowd.wrong.append("client %d: %s" % (self.number, wrong))
        transport.write(b"\1\0\0\0" + bytes([COMMAND.COM_QUIT]))
        transport.close()
        self.crowd.left()


class Crowd:
    """Crowd(endpoint, clients, statements).run(): afterwards `wrong` tells everything that was not as it had to be."""

    def __init__(self, endpoint, clients, statements, think=0.5, user_variables=True):
        self.endpoint, self.clients, self.statements, self.think = endpoint, clients, statements, think
        self.user_variables = user_variables
        self.done = 0
        self.wrong = []

    def run(self):
        connections = [self.endpoint.connect() for _ in range(self.clients)]
        try:
            asyncio.run(self._run(connections))
        finally:
            for connection in connections:
                connection._force_close()

    async def _run(self, connections):
        loop = asyncio.get_running_loop()
        self._inside, self._all_left = len(connections), asyncio.Event()
        for number, connection in enumerate(connections):
            sock = connection._sock
            sock.setblocking(False)
            connection._sock = connection._rfile = None
            await loop.create_connection(lambda number=number: Client(self, number), sock=sock)
        await asyncio.wait_for(self._all_left.wait(), 60 + 20 * self.think * (self.statements + 4))

    def left(self):
        self._inside -= 1
        if not self._inside:
            self._all_left.set()

    def check_written(self, cluster):
        """What the clients have written is there, each row with the settings of its client."""
        with cluster.witness.root(cluster.primary) as root:
            for database in DATABASES:
                rows = root.rows("SELECT client, number, sql_mode, zone, charset, collation_name, db, mine FROM %s.crowd"
                                 " ORDER BY client, number" % database)
                wanted = [(one.number, n, *one.expected()) for one in (Client(self, i) for i in range(self.clients))
                          if one.database == database
                          for n in range(1, self.statements // WRITE_EVERY + 1)]
                for got, want in itertools.zip_longest(rows, wanted):
                    if got != want:
                        self.wrong.append("wrote %s, and %s is there" % (want, got))
