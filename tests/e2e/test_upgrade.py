"""SIGUSR2: the next wye takes over, nobody is refused and nothing that runs is cut off. $WYE_ROUNDS: how often."""

import contextlib
import os
import pathlib
import struct
import subprocess

import pytest

import load
from driver_programs import CommandLine
from endpoint import wait_until
from upgrading import UpgradingWye
from wire_client import Reader, WireClient
from wye_process import binary

ROUNDS = int(os.environ.get("WYE_ROUNDS", "5"))


@contextlib.contextmanager
def running(cluster, directory, *options, **more):
    wye = UpgradingWye(directory, *options, cluster.monitor_url(), **more)
    try:
        wye.ready()
        wye.wait_pool(cluster.replicas)
        yield wye
    finally:
        wye.kill()


@pytest.fixture
def own(cluster, tmp_path, wye_binary):
    with running(cluster, tmp_path / "wye") as wye:
        yield wye


def come_and_go(wye):
    """A work of the load: a client that stays for one statement."""
    def newcomer(_):
        with wye.session() as session:
            assert session.value("SELECT 1") == 1
    return newcomer


def test_nobody_is_refused_and_no_transaction_is_cut_off_while_wye_is_replaced_again_and_again(cluster, own):
    load.prepare(cluster)
    works = [load.read, load.write, load.transaction, load.transaction, load.write_and_read, come_and_go(own),
             come_and_go(own)]
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(own.session(by_socket=i % 2 == 0)) for i in range(10)]
        for i, session in enumerate(idle):
            session.run("SET @mine = %d" % i)
        with load.Load(own, *works) as clients:
            clients.wait_more(5)
            for _ in range(ROUNDS):
                own.upgrade()
                own.wait_alone()  # Those that work have gone over as well, between two statements.
                clients.wait_more(5)
        assert clients.faults == []
        assert [session.value("SELECT @mine") for session in idle] == list(range(10))
    own.finish()


def test_everything_that_is_listened_on_goes_over_with_its_files(cluster, own):
    own.console("SET max_lag = 7s")
    own.upgrade()
    with own.session(by_socket=True) as session:
        assert session.value("SELECT 1") == 1
    own.wait_alone()
    # The files that the old one has made are the new one's.
    assert pathlib.Path(own.socket).is_socket()
    with own.session(by_socket=True) as session:
        assert session.value("SELECT 1") == 1
    assert own.get("/readyz")[0] == 200
    # What was only in memory has come along.
    assert own.console("SELECT value FROM settings WHERE name = 'max_lag'") == [{"value": "7s"}]
    own.finish()
    assert not pathlib.Path(own.socket).exists()


def test_a_transaction_goes_on_in_the_old_process_and_the_old_process_leaves_with_it(cluster, own):
    load.prepare(cluster)
    with own.session() as session:
        session.run("BEGIN")
        session.run("UPDATE load_rows SET v = 77 WHERE id = 1")
        old = own.pid
        own.upgrade()
        assert old in own.processes()
        with own.session() as other:
            assert other.value("SELECT v FROM load_rows WHERE id = 1") != 77
        session.run("UPDATE load_rows SET v = 77 WHERE id = 2")
        session.run("COMMIT")
        assert session.rows("SELECT v FROM load_rows WHERE id < 3") == [(77,), (77,)]
    own.wait_alone()
    own.finish()


def test_tls_and_tied_sessions_go_on_until_they_end_themselves(cluster, own):
    with own.session(tls=True) as tls, own.session() as tied:
        tied.run("CREATE TEMPORARY TABLE mine (a INT)")
        tied.run("INSERT INTO mine VALUES (5)")
        old = own.pid
        own.upgrade()
        for _ in range(3):
            assert tls.value("SELECT 1") == 1
            assert tied.value("SELECT a FROM mine") == 5
        assert old in own.processes()
    own.wait_alone()
    own.finish()


def test_the_old_process_stays_no_longer_than_upgrade_timeout(cluster, tmp_path, wye_binary):
    with running(cluster, tmp_path, "--set", "upgrade_timeout=1s", "--set", "drain_timeout=1s") as wye:
        with wye.session() as session:
            session.run("BEGIN")
            session.value("SELECT 1 FROM whoami")
            wye.upgrade()
            wye.wait_alone()
        wye.finish()


def test_a_next_process_that_cannot_start_changes_nothing(cluster, tmp_path, wye_binary):
    program = tmp_path / "wye-program"
    program.symlink_to(binary())
    with running(cluster, tmp_path / "wye", program=program) as wye, wye.session() as session:
        pid = wye.pid
        program.unlink()
        program.symlink_to("/bin/false")
        assert "status 1" in wye.upgrade_fails()
        program.unlink()
        assert "cannot start" in wye.upgrade_fails()
        assert wye.processes() == [pid]
        assert session.value("SELECT 1") == 1
        with wye.session() as other:
            assert other.value("SELECT 1") == 1
        # The configuration can be changed again.
        wye.console("SET max_lag = 8s")
        program.symlink_to(binary())
        wye.upgrade()
        assert wye.console("SELECT value FROM settings WHERE name = 'max_lag'") == [{"value": "8s"}]
        assert session.value("SELECT 1") == 1
        session.close()
        wye.wait_alone()
        wye.finish()


def test_the_passwords_are_in_nobodys_list_of_processes_nor_in_the_environment(cluster, own):
    own.upgrade()
    for what in ("cmdline", "environ"):
        told = pathlib.Path("/proc/%d/%s" % (own.pid, what)).read_bytes()
        assert b":monitor@" not in told
    assert b"monitor:" in pathlib.Path("/proc/%d/cmdline" % own.pid).read_bytes()
    own.wait_alone()
    own.finish()


def test_the_configuration_in_a_file_is_shared_and_the_old_process_refuses_to_change_it(cluster, tmp_path, wye_binary):
    with running(cluster, tmp_path, "--config", str(tmp_path / "wye.db")) as wye:
        wye.console("SET max_lag = 9s")
        wye.upgrade()
        wye.console("SET max_lag = 6s")
        wye.upgrade()
        assert wye.console("SELECT value FROM settings WHERE name = 'max_lag'") == [{"value": "6s"}]
        wye.wait_alone()
        wye.finish()


# --- sessions that rest go over with their state ---

def test_idle_sessions_go_over_with_their_state_and_the_old_process_leaves_at_once(cluster, own, flavor):
    load.prepare(cluster)
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(own.session(by_socket=by_socket)) for by_socket in (False, True) for _ in range(10)]
        ids = []
        for i, session in enumerate(sessions):
            session.run("SET @mine = %d, @text = 'gr\u00fcn', sql_mode = 'ANSI_QUOTES', time_zone = '+03:00'" % i)
            session.run("USE information_schema" if i % 2 else "USE app")
            session.run("SET autocommit = 0" if i % 3 == 0 else "SET autocommit = 1")
            ids.append(session.value("SELECT CONNECTION_ID()"))
            session.run("ROLLBACK")
        for _ in range(2):
            own.upgrade()
            own.wait_alone()
            newcomer = stack.enter_context(own.session())
            assert newcomer.value("SELECT CONNECTION_ID()") not in ids
            for i, session in enumerate(sessions):
                assert session.row("SELECT @mine, @text, @@sql_mode, @@time_zone, DATABASE(), @@autocommit") == (
                    i, "gr\u00fcn", "ANSI_QUOTES", "+03:00", "information_schema" if i % 2 else "app", int(i % 3 != 0))
                assert session.value("SELECT CONNECTION_ID()") == ids[i]
                # What COM_RESET_CONNECTION brings back has come along, and the account's rights.
                assert session.value('SELECT COUNT(*) FROM app."load_rows"') == 100
                session.run("ROLLBACK")
    own.finish()


def test_what_the_last_statement_has_left_goes_over(cluster, own):
    load.prepare(cluster)
    with own.session() as inserted, own.session() as updated, own.session() as failed:
        inserted.run("INSERT INTO load_written (v) VALUES (1), (2)")
        number = inserted.connection.insert_id()
        updated.run("UPDATE load_rows SET v = v + 1 WHERE id < 8")
        failed.error("SELECT * FROM no_such_table")
        own.upgrade()
        own.wait_alone()
        assert inserted.value("SELECT ROW_COUNT()") == 2
        assert inserted.value("SELECT LAST_INSERT_ID()") == number
        assert updated.value("SELECT ROW_COUNT()") == 7
        # Its own writes are seen, from whichever server.
        for _ in range(10):
            assert updated.value("SELECT COUNT(*) FROM load_rows WHERE v = 1") == 7
            assert inserted.value("SELECT COUNT(*) FROM load_written") == 2
        assert failed.value("SELECT 1") == 1
    own.finish()


def known(wye):
    """A session that has shown its password: the short way of caching_sha2_password is open to the next one."""
    return wye.session()


def test_a_compressed_session_goes_over(cluster, own):
    command = CommandLine("mariadb").command(own, tls=False)
    options = ["--compress", "--batch", "--skip-column-names", "--unbuffered", "app"]
    with subprocess.Popen(command + options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        def value(statement):
            client.stdin.write(statement + ";\n")
            client.stdin.flush()
            return client.stdout.readline().rstrip("\n")
        assert value("SET @long = REPEAT('x', 5000); SELECT 1") == "1"
        assert value("SELECT CONCAT(@long, 'y')") == "x" * 5000 + "y"
        own.upgrade()
        own.wait_alone()
        for _ in range(3):
            assert value("SELECT CONCAT(@long, 'z')") == "x" * 5000 + "z"
        client.stdin.close()
        assert client.wait(60) == 0
    own.finish()


def test_prepared_statements_go_over_with_their_numbers_and_types(cluster, own):
    load.prepare(cluster)
    with known(own), WireClient(own) as client:
        one, _, parameters = client.prepare("SELECT v + ? FROM load_rows WHERE id = ?")
        two, *_ = client.prepare("SELECT CONNECTION_ID()")
        assert parameters == 2
        values = [struct.pack("<i", 40), struct.pack("<i", 3)]
        before = client.execute(one, types=[3, 3], values=values)["rows"]
        own.upgrade()
        own.wait_alone()
        # The types that were bound before still hold.
        assert client.execute(one, types=[3, 3], values=values, bound=False)["rows"] == before
        assert Reader(client.execute(two)["rows"][0]).take(2) == b"\0\0"
        three, *_ = client.prepare("SELECT 5")
        assert three not in (one, two)
        client.close_statement(one)
        assert client.value("SELECT 6") == b"6"
    own.finish()


def test_a_session_that_is_tied_goes_over_when_it_is_free(cluster, own):
    with own.session() as session:
        session.run("SET @mine = 5")
        session.run("CREATE TEMPORARY TABLE mine (a INT)")
        old = own.pid
        own.upgrade()
        session.run("INSERT INTO mine VALUES (1)")
        assert old in own.processes()
        session.run("DROP TEMPORARY TABLE mine")
        own.wait_alone()
        assert session.value("SELECT @mine") == 5
    own.finish()


def test_hints_and_attributes_of_a_session_go_over(cluster, own):
    attributes = {b"program_name": b"moving", b"wye_route": b"primary"}
    with own.session() as session, WireClient(own, attributes=attributes) as client:
        session.run("SET @wye_route = 'primary', @wye_trace = 1")
        client.value("SELECT 1")
        own.upgrade()
        own.wait_alone()
        for _ in range(4):
            assert client.value("SELECT name FROM whoami") == b"primary"
            assert session.value("SELECT name FROM whoami") == "primary"
        assert "primary" in str(session.rows("SHOW WARNINGS"))
        # And again after a reset, as the login has said.
        client.write(b"\x1f")
        client.result()
        assert client.value("SELECT name FROM whoami") == b"primary"
    own.finish()


def test_a_session_whose_password_was_changed_stays_where_it_is(cluster, own):
    with cluster.witness.root(cluster.primary) as root:
        root.run("DROP USER IF EXISTS 'changing'@'%'")
        root.run("CREATE USER 'changing'@'%' IDENTIFIED BY 'changing'")
        root.run("GRANT SELECT ON app.* TO 'changing'@'%'")
    cluster.wait_caught_up()
    with own.session(user="changing") as session:
        assert session.value("SELECT 1") == 1
        with cluster.witness.root(cluster.primary) as root:
            root.run("ALTER USER 'changing'@'%' IDENTIFIED BY 'another'")
        cluster.wait_caught_up()

        def logs_in():
            with contextlib.suppress(Exception), own.session(user="changing", password="another") as other:
                return other.value("SELECT 1") == 1
        wait_until(logs_in, "the new password to hold")
        old = own.pid
        own.upgrade()
        assert session.value("SELECT 2") == 2
        assert old in own.processes()
    own.wait_alone()
    own.finish()
