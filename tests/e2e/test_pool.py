"""Connections to servers: how many there are, who gets one when there are too few, and what becomes of old ones."""

import contextlib
import threading

import pymysql
import pytest

from conftest import start_wye
from endpoint import Session, wait_until

WRITE = "INSERT INTO app.pooled (thread) VALUES (NULL)"


@pytest.fixture(scope="module")
def wye_options():
    return ["--set", "threads=1"]


@pytest.fixture(scope="module", autouse=True)
def table(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP TABLE IF EXISTS app.pooled")
        root.run("CREATE TABLE app.pooled (id INT PRIMARY KEY AUTO_INCREMENT, thread BIGINT)")
        # The connection that wrote a row: asked for by the statement itself, it would tie the session.
        root.run("CREATE TRIGGER app.pooled_thread BEFORE INSERT ON app.pooled FOR EACH ROW SET NEW.thread = CONNECTION_ID()")
    cluster.wait_caught_up()


@pytest.fixture
def setting(wye):
    """setting(name=value, ...) of the running wye; all is as it was afterwards."""
    before = {row["name"]: row["value"] for row in wye.console("SELECT name, value FROM settings")}
    changed = set()

    def change(**values):
        for name, value in values.items():
            changed.add(name)
            wye.console("SET %s = '%s'" % (name, value))

    yield change
    change(**{name: before[name] for name in list(changed)})


@pytest.fixture
def pool(wye, cluster):
    """pool(user): the row of stats_pools about its connections to the primary."""
    def look(user="app"):
        rows = wye.console("SELECT * FROM stats_pools WHERE user = '%s' AND server = '%s'"
                           % (user, cluster.primary.address))
        return rows[0] if rows else dict.fromkeys(("idle", "busy", "waiting", "opened"), 0)
    return look


@contextlib.contextmanager
def held(wye, user="app"):
    """A session with a transaction on the primary, and so with a connection."""
    with wye.session(user) as session:
        session.run("BEGIN")
        session.run(WRITE)
        yield session
        session.run("COMMIT")


class Waiting:
    """A client that writes from a thread of its own, and what came of it. Its login needs a connection too."""

    def __init__(self, wye, user="app"):
        self.session = Session(wye.connect(user))
        self.error = None
        self.thread = threading.Thread(target=self._write, daemon=True)

    def start(self):
        self.thread.start()

    def _write(self):
        try:
            self.session.run(WRITE)
        except pymysql.MySQLError as error:
            self.error = error

    def written(self):
        return self.session.connection.insert_id()

    def end(self):
        self.thread.join(60)
        assert not self.thread.is_alive()
        self.session.close()
        return self.error


def refusal(session):
    with pytest.raises(pymysql.MySQLError) as caught:
        session.run(WRITE)
    return caught.value.args


def idle_only(pool, user="app"):
    wait_until(lambda: pool(user)["busy"] == 0 and pool(user)["waiting"] == 0, "the connections to be free")


# --- who only reads ---

def test_who_comes_to_read_does_not_wait_for_the_primarys_connections(wye, setting, cluster):
    setting(server_max_connections=1)
    cluster.wait_caught_up()
    with held(wye):
        for _ in range(4):  # the first one finds no replica's connection in its schema, the others do
            with wye.session() as session:
                assert session.value("SELECT COUNT(*) FROM pooled") is not None


# --- limits ---

def test_who_waits_in_vain_is_told_which_limit_of_which_server_and_for_how_long(wye, setting, cluster, pool):
    idle_only(pool)
    setting(server_max_connections=1, queue_timeout="300ms")
    with wye.session() as other, held(wye) as holder:
        code, text = refusal(other)
        assert code == 1040 and cluster.primary.address in text, text
        for part in ("server_max_connections = 1", "waited 0.", "1 open, 1 busy, 1 waiting"):
            assert part in text, text
        holder.run("COMMIT")
        other.run(WRITE)


def test_an_accounts_limit_holds_for_that_account_only(wye, setting, pool):
    idle_only(pool)
    setting(user_max_connections=1, queue_timeout="300ms")
    with wye.session() as other, wye.session("admin") as stranger, held(wye):
        code, text = refusal(other)
        assert code == 1040 and "user_max_connections = 1 is reached for 'app'" in text, text
        stranger.run(WRITE)
    with wye.session() as other:
        other.run(WRITE)


def test_the_line_is_served_in_order_and_bounded(wye, setting, pool):
    idle_only(pool)
    setting(server_max_connections=1, queue_timeout="30s", queue_max=3)
    line = [Waiting(wye) for _ in range(3)]
    with wye.session() as last, held(wye) as holder:
        for n, one in enumerate(line):
            one.start()
            wait_until(lambda: pool()["waiting"] == n + 1, "the client to wait")
        code, text = refusal(last)
        assert code == 1040 and "queue_max = 3" in text, text
        holder.run("COMMIT")
        assert [one.end() for one in line] == [None, None, None]
    written = [one.written() for one in line]
    assert written == sorted(set(written)), written


def test_an_idle_connection_makes_room_for_another_account(wye, setting, pool, cluster):
    idle_only(pool)
    setting(server_max_connections=1)
    # One that was opened earlier would stay: the limit closes nothing by itself.
    kill_idle(cluster, "admin")
    wait_until(lambda: pool("admin")["idle"] == 0, "the other account to have no connection")
    with wye.session() as app, wye.session("admin") as admin:
        for _ in range(3):
            app.run(WRITE)
            mine = app.connection.insert_id()
            admin.run(WRITE)
            # Its connection was closed for the other's; what it had left there was asked for before.
            assert app.value("SELECT LAST_INSERT_ID()") == mine
    assert pool()["closed_room"] >= 3


def test_warnings_that_nobody_reads_keep_nobody_waiting(wye, setting, pool):
    idle_only(pool)
    setting(server_max_connections=1)
    with wye.session() as warned, wye.session() as other:
        warned.run("INSERT IGNORE INTO pooled (thread) VALUES ('7x')")
        assert len(warned.rows("SHOW WARNINGS")) == 1
        warned.run("INSERT IGNORE INTO pooled (thread) VALUES ('7x')")
        other.run(WRITE)
        warned.run(WRITE)


def test_an_idle_connection_of_another_worker_makes_room(cluster, wye_binary, tmp_path):
    """Eight clients on four workers, and connections for one of them: everybody is served."""
    wye = start_wye(cluster, tmp_path, "--set", "threads=4", "--set", "server_max_connections=1")
    try:
        with contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(wye.session()) for _ in range(8)]
            for _ in range(3):
                for session in sessions:
                    session.run(WRITE)
                    assert session.value("SELECT COUNT(*) FROM pooled") > 0
        wye.finish()
    finally:
        wye.kill()


def test_a_server_that_lets_in_no_more_is_waited_for_and_said_to_be_full_once(wye, cluster, pool):
    with cluster.witness.root(cluster.primary) as root:
        how = "IDENTIFIED BY 'few' WITH MAX_USER_CONNECTIONS 1"
        root.run("CREATE USER few@'%' " + how)
        root.run("GRANT ALL ON app.* TO few@'%'")
    cluster.wait_caught_up()
    try:
        waiting = [Waiting(wye, "few") for _ in range(3)]
        with held(wye, "few") as holder:
            for one in waiting:
                one.start()
            wait_until(lambda: pool("few")["waiting"] == 3 and pool("few")["closed_failed"] >= 2,
                       "the server to refuse more connections")
            holder.run("COMMIT")
            assert [one.end() for one in waiting] == [None, None, None]
        events = wye.console("SELECT * FROM stats_events WHERE kind = 'account-full'")
        assert len(events) == 1 and events[0]["server"] == cluster.primary.address, events
    finally:
        with cluster.witness.root(cluster.primary) as root:
            root.run("DROP USER few@'%'")


def test_clients_are_limited_and_the_next_gets_in_when_one_leaves(wye, setting):
    with wye.session() as one:
        setting(max_connections=1)
        with pytest.raises(pymysql.MySQLError) as caught:
            wye.connect()
        # As the servers' own, it has no SQLSTATE before the greeting; PyMySQL cuts one off all the same.
        assert caught.value.args[0] == 1040 and "Too many connections".endswith(caught.value.args[1])
        setting(max_connections=1000, user_max_clients=1)
        with pytest.raises(pymysql.MySQLError) as caught:
            wye.connect()
        assert caught.value.args[0] == 1203 and "user_max_clients" in caught.value.args[1]
        wye.connect("admin").close()
        one.close()

        def enters():
            with contextlib.suppress(pymysql.MySQLError):
                wye.connect().close()
                return True
        wait_until(enters, "a client to get in")


# --- what becomes of connections ---

def write_and_read(session):
    session.run(WRITE)
    assert session.value("SELECT COUNT(*) FROM pooled WHERE id = %d" % session.connection.insert_id()) == 1


def test_connections_that_the_servers_close_are_replaced_unseen(wye, cluster, pool):
    """Seen as closed while idle: MySQL says good-bye first (4031), MariaDB just closes."""
    def wait_timeout(seconds):
        for server in cluster.servers:
            with cluster.witness.root(server) as root:
                root.run("SET GLOBAL wait_timeout = %d" % seconds)

    with cluster.witness.root(cluster.primary) as root:
        usual = root.value("SELECT @@global.wait_timeout")
    idle_only(pool)
    wait_timeout(1)
    try:
        kill_idle(cluster)
        with wye.session() as session:
            for _ in range(2):
                write_and_read(session)
                before = pool()["closed_server"]
                wait_until(lambda: pool()["closed_server"] > before, "the server to close an idle connection")
                write_and_read(session)
    finally:
        wait_timeout(usual)
        kill_idle(cluster)


def kill_idle(cluster, user="app"):
    """Kills the connections of an account on every server, and returns when they have gone."""
    for server in cluster.servers:
        with cluster.witness.root(server) as root:
            # Others may be opened in their place meanwhile.
            killed = {row[0] for row in root.rows("SHOW PROCESSLIST") if row[1] == user}
            for number in killed:
                with contextlib.suppress(pymysql.MySQLError):
                    root.run("KILL %d" % number)
            wait_until(lambda: not killed & {row[0] for row in root.rows("SHOW PROCESSLIST")}, "the killed to go")


def test_killed_idle_connections_are_replaced_unseen(wye, cluster, pool):
    with wye.session() as session:
        for _ in range(10):
            write_and_read(session)
            kill_idle(cluster)
        write_and_read(session)


def test_old_connections_are_closed_and_nobody_notices(wye, setting, pool):
    setting(pool_max_age="1s")
    before = pool().get("closed_age", 0)
    with wye.session() as session:
        def grown_old():
            write_and_read(session)
            return pool()["closed_age"] >= before + 2
        wait_until(grown_old, "connections to be closed for their age")


def test_idle_connections_are_closed_but_for_the_minimum(wye, setting, pool):
    idle_only(pool)
    setting(pool_idle_timeout="1s", pool_min_idle=2)
    with held(wye), held(wye), held(wye), held(wye), held(wye):
        assert pool()["busy"] >= 5
    before = pool()["closed_idle"]
    wait_until(lambda: pool()["closed_idle"] > before and pool()["idle"] == 2, "all but two to be closed")
    setting(pool_min_idle=0)
    wait_until(lambda: pool()["idle"] == 0, "the others to be closed too")


# --- LAST_INSERT_ID() ---

def test_a_read_of_last_insert_id_stays_in_the_open_transaction(wye, setting):
    """Also when another connection still holds the id: the transaction's was given it."""
    setting(connection_affinity="off")
    with held(wye), held(wye), wye.session() as session:
        for begin in ("BEGIN", "START TRANSACTION READ ONLY"):
            session.run(WRITE)
            mine = session.connection.insert_id()
            session.run(begin)
            thread = session.value("SELECT @@pseudo_thread_id FROM app.pooled LIMIT 1")
            assert session.row("SELECT LAST_INSERT_ID(), @@pseudo_thread_id") == (mine, thread)
            session.run("COMMIT")


def test_what_holds_a_last_insert_id_is_not_closed_for_being_idle(wye, setting, pool):
    idle_only(pool)
    setting(pool_idle_timeout="1s", pool_min_idle=0)
    with wye.session() as session:
        with held(wye):
            session.run(WRITE)
            mine = session.connection.insert_id()
        before = pool()["closed_idle"]
        wait_until(lambda: pool()["closed_idle"] > before and pool()["idle"] == 1, "the other to be closed")
        answer = session.row("SELECT LAST_INSERT_ID(), @@pseudo_thread_id")
        assert answer == (mine, session.value("SELECT thread FROM pooled WHERE id = %d" % mine))


def test_who_leaves_a_last_insert_id_and_an_error_leaves_the_connection_to_the_next(wye, setting, pool):
    """It is given back by a session that is closing, with an id that this session alone could have asked for."""
    idle_only(pool)
    setting(server_max_connections=1, queue_timeout="30s")
    following, leaving = Waiting(wye), Session(wye.connect())
    leaving.run(WRITE)
    with pytest.raises(pymysql.MySQLError):
        leaving.run("INSERT INTO app.pooled (thread) VALUES (1, 2)")
    following.start()
    wait_until(lambda: pool()["waiting"] == 1 or not following.thread.is_alive(), "the next one to wait")
    leaving.close()
    following.thread.join(60)
    written = following.written()
    assert following.session.value("SELECT LAST_INSERT_ID()") == written
    assert following.end() is None
