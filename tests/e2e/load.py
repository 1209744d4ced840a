"""Clients that work side by side until they are stopped, and every error that any of them ever saw."""

import dataclasses
import random
import threading
import time

import pymysql

from endpoint import Session, wait_until


@dataclasses.dataclass
class Fault:
    """An error that a client got: the server's number and text, and whether its connection broke with it."""
    work: str
    code: int
    text: str
    broken: bool


def read(session):
    session.value("SELECT v FROM load_rows WHERE id = %s", [random.randint(1, 100)])


def write(session):
    session.run("UPDATE load_rows SET v = v + 1 WHERE id = %s", [random.randint(1, 100)])


def transaction(session):
    session.run("BEGIN")
    session.value("SELECT v FROM load_rows WHERE id = %s FOR UPDATE", [random.randint(1, 50)])
    session.run("UPDATE load_rows SET v = v + 1 WHERE id = %s", [random.randint(51, 100)])
    session.run("COMMIT")


def write_and_read(session):
    """Misses of one's own write are errors as well."""
    session.run("INSERT INTO load_written (v) VALUES (1)")
    number = session.connection.insert_id()
    if session.value("SELECT COUNT(*) FROM load_written WHERE id = %s", [number]) != 1:
        raise pymysql.DataError(9999, "a row that was just written is not there")


def prepare(cluster):
    """The tables the works above use."""
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP TABLE IF EXISTS app.load_rows, app.load_written")
        root.run("CREATE TABLE app.load_rows (id INT PRIMARY KEY, v INT NOT NULL)")
        root.run("CREATE TABLE app.load_written (id INT PRIMARY KEY AUTO_INCREMENT, v INT NOT NULL)")
        root.run("INSERT INTO app.load_rows VALUES %s" % ", ".join("(%d, 0)" % i for i in range(1, 101)))
    cluster.wait_caught_up()


class Load:
    """A context manager: Load(wye, read, read, write) runs three clients, each doing its work again and again."""

    def __init__(self, endpoint, *works):
        self.endpoint = endpoint
        self.works = works
        self.done = [0] * len(works)  # Each written by its own thread only.
        self.faults = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(i,), daemon=True) for i in range(len(works))]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(130)
        assert not any(thread.is_alive() for thread in self._threads), "a client of the load hangs"

    def _client(self, number):
        session = None
        while not self._stop.is_set():
            try:
                if session is None:
                    session = Session(self.endpoint.connect())
                self.works[number](session)
                self.done[number] += 1
            except Exception as error:
                session = self._failed(number, session, error)
        if session:
            session.close()

    def _failed(self, number, session, error):
        """Note the error; the session goes on if its connection does, else the client connects anew."""
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        broken = session is None or not session.connection.open
        self.faults.append(Fault(self.works[number].__name__, code, str(error), broken))
        if session and not broken:
            try:
                session.run("ROLLBACK")
                return session
            except Exception:
                pass
        if session:
            session.close()
        self._stop.wait(0.05)
        return None

    def wait_more(self, count, *works):
        """Until every client (of the works named) has done its work so many more times: nothing hangs."""
        chosen = [i for i, work in enumerate(self.works) if not works or work in works]
        before = list(self.done)
        wait_until(lambda: all(self.done[i] >= before[i] + count for i in chosen),
                   "every client to go on; faults so far: %s" % self.faults[:5])

    def go_on(self, seconds):
        """Work for so long, every client without a pause of more than the patience of wait_more."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.wait_more(10)

    def faults_of(self, *works):
        names = {work.__name__ for work in works}
        return [fault for fault in self.faults if fault.work in names]
