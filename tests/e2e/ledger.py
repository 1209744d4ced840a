"""Clients that write rows with numbers of their own, so that a lost or doubled one can be told: each row is told to be
written once its commit has been answered."""

import dataclasses
import threading
import time

from endpoint import Session, wait_until
from topology_account import root_of


@dataclasses.dataclass
class Client:
    number: int
    kind: str
    acknowledged: list
    unknown: list   # their outcome was not told
    errors: list
    longest: float  # seconds from one answered write to the next


class Ledger:
    """A context manager: `writers` autocommit inserts, `transactions` of two inserts and a read, `readers` of what there is."""

    def __init__(self, endpoint, writers=4, transactions=4, readers=2, tls=False):
        self.endpoint, self.tls = endpoint, tls
        kinds = ["write"] * writers + ["transaction"] * transactions + ["read"] * readers
        self.clients = [Client(i, kind, [], [], [], 0.0) for i, kind in enumerate(kinds)]
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(one,), daemon=True) for one in self.clients]

    @staticmethod
    def create(primary):
        with root_of(primary) as root:
            root.run("DROP TABLE IF EXISTS app.ledger")
            root.run("CREATE TABLE app.ledger (client INT NOT NULL, n INT NOT NULL, part INT NOT NULL, "
                     "id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY)")

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(130)
        assert not any(thread.is_alive() for thread in self._threads), "a client of the ledger hangs"

    def _work(self, client):
        session, n, last = None, 0, time.monotonic()
        act = {"write": self._write, "transaction": self._transaction, "read": self._read}[client.kind]
        while not self._stop.is_set():
            n += 1
            try:
                session = session or Session(self.endpoint.connect(tls=self.tls))
                act(session, client, n)
                now = time.monotonic()
                client.longest, last = max(client.longest, now - last), now
                client.acknowledged.append(n)
            except Exception as error:
                client.errors.append((n, "%s: %s" % (type(error).__name__, error)))
                client.unknown.append(n)
                if session and session.connection.open:
                    session.close()
                session = None
                self._stop.wait(0.02)
        if session:
            session.close()

    @staticmethod
    def _write(session, client, n):
        session.run("INSERT INTO ledger (client, n, part) VALUES (%s, %s, 0)", [client.number, n])

    @staticmethod
    def _transaction(session, client, n):
        session.run("BEGIN")
        session.run("INSERT INTO ledger (client, n, part) VALUES (%s, %s, 0)", [client.number, n])
        session.value("SELECT COUNT(*) FROM ledger WHERE client = %s AND n = %s", [client.number, n])
        session.run("INSERT INTO ledger (client, n, part) VALUES (%s, %s, 1)", [client.number, n])
        session.run("COMMIT")

    @staticmethod
    def _read(session, client, n):
        session.value("SELECT n FROM ledger ORDER BY id DESC LIMIT 1")

    def done(self):
        return [len(one.acknowledged) for one in self.clients]

    def wait_more(self, count):
        before = self.done()
        wait_until(lambda: all(now >= then + count for now, then in zip(self.done(), before)),
                   "every client to go on; errors so far: %s" % self.errors()[:3])

    def errors(self):
        return [(one.kind,) + error for one in self.clients for error in one.errors]

    def compare(self, primary):
        """What was acknowledged and is not there, and what is there more often than it was written."""
        with root_of(primary) as root:
            rows = root.rows("SELECT client, n, part, COUNT(*) AS times FROM app.ledger GROUP BY client, n, part")
        there = {(row["client"], row["n"], row["part"]): row["times"] for row in rows}
        lost = []
        for one in self.clients:
            for part in {"write": [0], "transaction": [0, 1], "read": []}[one.kind]:
                lost += [(one.number, n, part) for n in one.acknowledged if (one.number, n, part) not in there]
        return lost, [key for key, times in there.items() if times > 1]
