"""Where a test's clients connect to: wye, or one server directly, with the same few ways in.

The same test through both is what "through wye as direct" means; a test that fails directly is wrong itself.
"""

import contextlib
import dataclasses
import ssl
import time

import pymysql

# Nothing here waits longer; it bounds a hang, it does not time anything.
PATIENCE = 60


def wait_until(condition, what, timeout=PATIENCE):
    """Poll a condition until it is true and return what it gave; `what` names it when it never is."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited %g seconds in vain for %s" % (timeout, what))
        time.sleep(0.02)


def any_certificate():
    """A TLS context that insists on TLS and takes any certificate: the servers and wye make their own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclasses.dataclass
class Endpoint:
    host: str
    port: int
    socket: str = None

    def connect(self, user="app", password=None, database="app", tls=False, **options):
        """A PyMySQL connection in autocommit mode; the accounts' passwords are their names."""
        where = {"host": self.host, "port": self.port}
        if options.pop("by_socket", False):
            where = {"unix_socket": self.socket}
        kind = options.pop("kind", pymysql.connections.Connection)
        options = {"autocommit": True, "connect_timeout": 30, "read_timeout": 120, "write_timeout": 120,
                   "charset": "utf8mb4", **options}
        password = user if password is None else password
        # As every other client does it; PyMySQL itself would make it latin1.
        connection = kind(user=user, password=password.encode(), database=database,
                          ssl=any_certificate() if tls else None, **where, **options)
        if tls and not isinstance(connection._sock, ssl.SSLSocket):
            connection.close()
            raise AssertionError("%s:%d did not offer TLS" % (self.host, self.port))
        return connection

    @contextlib.contextmanager
    def session(self, *arguments, **options):
        """A Session that is closed at the end, also when the test fails."""
        session = Session(self.connect(*arguments, **options))
        try:
            yield session
        finally:
            session.close()


class Session:
    """One client's session: a connection with the shortest way to ask it something."""

    def __init__(self, connection):
        self.connection = connection

    def close(self):
        with contextlib.suppress(Exception):
            self.connection.close()

    def rows(self, statement, arguments=None):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return list(cursor.fetchall())

    def row(self, statement, arguments=None):
        rows = self.rows(statement, arguments)
        return rows[0] if rows else None

    def value(self, statement, arguments=None):
        row = self.row(statement, arguments)
        return row[0] if row else None

    def run(self, statement, arguments=None):
        """The statement's affected rows."""
        with self.connection.cursor() as cursor:
            return cursor.execute(statement, arguments)

    def error(self, statement, arguments=None):
        """The number of the error that the statement must end in."""
        try:
            self.run(statement, arguments)
        except pymysql.MySQLError as error:
            return error.args[0]
        raise AssertionError("no error from: %s" % statement)
