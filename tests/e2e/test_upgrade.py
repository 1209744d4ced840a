"""SIGUSR2: the next wye takes over, nobody is refused and nothing that runs is cut off. $WYE_ROUNDS: how often."""

import contextlib
import os
import pathlib

import pytest

import load
from endpoint import wait_until
from upgrading import UpgradingWye
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
    with load.Load(own, *works) as clients:
        clients.wait_more(5)
        for _ in range(ROUNDS):
            own.upgrade()
            clients.wait_more(5)
    assert clients.faults == []
    own.wait_alone()
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
