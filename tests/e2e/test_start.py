"""What wye says when it cannot start, cannot log a client in, or is told to stop."""

import contextlib
import os
import re
import signal
import socket
import threading

import pymysql
import pytest

from conftest import start_wye
from endpoint import Endpoint, Session, wait_until
from wye_cluster.cluster import free_ports
from wye_process import Wye, run_wye

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


def complaint(done, status):
    """The one line that wye said before it ended with a status; what it logged is not counted."""
    said = [line for line in done.stderr.splitlines() if not LOG_LINE.match(line)]
    assert done.returncode == status, "status %d: %s" % (done.returncode, done.stderr)
    assert len(said) == 1 and said[0].startswith("wye: "), "not one line:\n%s" % done.stderr
    return said[0]


def addresses():
    """Options that put wye on free ports, for runs that are to end by themselves."""
    port = free_ports(3)
    return ["--listen", "127.0.0.1:%d" % port, "--admin", "127.0.0.1:%d" % (port + 1),
            "--http", "127.0.0.1:%d" % (port + 2)]


# --- it cannot run ---

def test_a_wrong_monitor_password_is_named_with_the_account_and_the_server(cluster, wye_binary):
    line = complaint(run_wye(*addresses(), "mysql://monitor:wrong@" + cluster.primary.address), 1)
    assert "monitor" in line and cluster.primary.address in line and "password" in line
    assert "wrong@" not in line


def test_an_unknown_host_is_named(wye_binary):
    line = complaint(run_wye(*addresses(), "mysql://monitor:monitor@no-such-host.invalid:3306"), 1)
    assert "no-such-host.invalid" in line


def test_an_address_where_nothing_listens_is_named(wye_binary):
    port = free_ports(1)
    line = complaint(run_wye(*addresses(), "mysql://monitor:monitor@127.0.0.1:%d" % port), 1)
    assert "127.0.0.1:%d" % port in line


def test_an_address_where_something_else_answers_is_named(wye_binary):
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    client.close()
        threading.Thread(target=answer, daemon=True).start()
        where = "127.0.0.1:%d" % server.getsockname()[1]
        line = complaint(run_wye(*addresses(), "mysql://monitor:monitor@" + where), 1)
        assert where in line
        server.shutdown(socket.SHUT_RDWR)


def test_a_dead_primary_is_named_when_its_replicas_are_not_known_either(hurt, wye_binary):
    hurt.kill("primary")
    line = complaint(run_wye(*addresses(), hurt.monitor_url()), 1)
    assert hurt.primary.address in line


def test_a_monitor_without_the_privileges_is_told_the_missing_grant(cluster, witness, wye_binary):
    with witness.root(cluster.primary) as root:
        root.run("DROP USER IF EXISTS bare@'%'")
        root.run("CREATE USER bare@'%' IDENTIFIED BY 'bare'")
    cluster.wait_caught_up()
    line = complaint(run_wye(*addresses(), "mysql://bare:bare@" + cluster.primary.address), 1)
    assert "GRANT" in line and "bare" in line
    # What the line says is enough to go on with.
    granted = re.search(r"GRANT .*? TO \S+", line)
    assert granted, line


@pytest.mark.parametrize("option", ["--listen", "--admin", "--http"])
def test_a_port_in_use_is_named(cluster, wye_binary, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = "127.0.0.1:%d" % taken.getsockname()[1]
        options = addresses()
        options[options.index(option) + 1] = where
        line = complaint(run_wye(*options, cluster.monitor_url()), 1)
        assert where in line


@pytest.mark.parametrize("arguments, said", [
    (["--lisen", "127.0.0.1:1"], "--listen"), (["--no-such-option"], "--no-such-option"), (["--listen"], "--listen"),
    (["--set", "max_lagg=1s"], "max_lag"), (["--set", "max_lag=many"], "max_lag"), (["--threads", "0x"], "threads"),
    (["serv"], "serve"), (["--listen", "127.0.0.1:99999"], "99999"), ([], "mysql://"),
    (["--server", "127.0.0.1,role=boss"], "boss"), (["http://a:b@127.0.0.1:3306"], "mysql://"),
])
def test_a_wrong_command_line_is_usage_and_says_what_is_right(wye_binary, arguments, said):
    address = [] if arguments in ([], ["serv"]) or arguments[0].startswith("http") else ["mysql://m:m@127.0.0.1:1"]
    assert said in complaint(run_wye(*address, *arguments), 2)


def test_version_and_help_are_printed(wye_binary):
    version = run_wye("version")
    assert version.returncode == 0 and re.fullmatch(r"wye \d+\.\d+\.\d+\S*\n", version.stdout) and not version.stderr
    for arguments in (["help"], ["--help"]):
        told = run_wye(*arguments)
        assert told.returncode == 0 and "--listen" in told.stdout and "mysql://" in told.stdout and not told.stderr
    unknown = run_wye("help", "no-such-topic")
    assert unknown.returncode == 2 and "no-such-topic" in unknown.stderr


def test_check_reaches_the_servers_and_ends(cluster, wye_binary):
    fine = run_wye("--check", cluster.monitor_url())
    assert fine.returncode == 0, fine.stdout + fine.stderr
    for server in cluster.servers:
        assert server.address in fine.stdout
    wrong = run_wye("--check", "mysql://monitor:wrong@" + cluster.primary.address)
    assert wrong.returncode == 1 and cluster.primary.address in wrong.stdout + wrong.stderr


# --- it runs ---

@contextlib.contextmanager
def own_wye(cluster, tmp_path, *options):
    wye = start_wye(cluster, tmp_path / "wye", *options)
    try:
        yield wye
    finally:
        wye.kill()


@pytest.mark.parametrize("member", ["replica1", "replica2"])
def test_any_member_of_the_cluster_is_enough_to_find_it_all(cluster, tmp_path, wye_binary, member):
    wye = Wye(tmp_path, cluster.monitor_url(member))
    try:
        wye.ready()
        wye.wait_pool(cluster.replicas)
        roles = {name: row["role"] for name, row in wye.servers().items()}
        assert roles == {server.address: "primary" if server.is_primary else "replica" for server in cluster.servers}
        wye.finish()
    finally:
        wye.kill()


def test_with_a_replica_named_too_wye_serves_reads_though_the_primary_is_dead(hurt, tmp_path, wye_binary):
    hurt.kill("primary")
    other = Wye(tmp_path, "%s,%s" % (hurt.monitor_url(), hurt.replicas[0].address))
    try:
        wait_until(lambda: other.get("/healthz")[0] == 200, "wye to serve")
        other.wait_pool(hurt.replicas[:1])
        # The other replica is not known before the primary tells of it.
        hurt.start("primary")
        other.ready()
        other.wait_pool(hurt.replicas)
        with other.session() as session:
            assert session.value("SELECT name FROM whoami") in ("replica1", "replica2")
        other.finish()
    finally:
        other.kill()


def test_the_monitors_password_is_not_in_the_list_of_processes(wye, cluster):
    with open("/proc/%d/cmdline" % wye.pid, "rb") as arguments:
        told = arguments.read()
    assert b"monitor:" in told and b":monitor@" not in told
    assert "monitor:monitor" not in wye.log()


def test_every_option_can_be_an_environment_variable(cluster, tmp_path, wye_binary):
    wye = Wye(tmp_path, env={"WYE_SERVERS": cluster.monitor_url(), "WYE_SET": "max_lag=7s queue_timeout=3s"})
    try:
        wye.ready()
        values = {row["name"]: row["value"] for row in wye.console("SELECT name, value FROM settings")}
        assert values["max_lag"] == "7s" and values["queue_timeout"] == "3s"
        wye.finish()
    finally:
        wye.kill()


def login_error(endpoint, **options):
    with pytest.raises(pymysql.MySQLError) as caught:
        endpoint.connect(**options).close()
    return caught.value.args


@pytest.mark.parametrize("options, code", [
    ({"password": "wrong"}, 1045), ({"password": ""}, 1045), ({"user": "nobody-here"}, 1045),
    ({"user": "nobody-here", "password": ""}, 1045), ({"database": "no_such_database"}, 1049),
    ({"user": "sbtest", "database": "mysql"}, 1044),
], ids=["wrong-password", "no-password", "unknown-user", "unknown-user-without-password", "unknown-database",
        "forbidden-database"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_login_is_refused_in_the_servers_own_words(wye, cluster, options, code, tls):
    direct = Endpoint(cluster.primary.host, cluster.primary.port)
    with contextlib.suppress(AssertionError):
        direct.connect(tls=True).close()
    expected = login_error(direct, **options)
    assert expected[0] == code
    for _ in range(3):
        assert login_error(wye, tls=tls, **options) == expected


# --- it ends ---

def refuses(wye):
    try:
        socket.create_connection((wye.host, wye.port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    with contextlib.suppress(pymysql.MySQLError):
        wye.connect().close()
        return False
    return True


def test_sigterm_lets_a_running_transaction_finish_and_refuses_new_clients(cluster, tmp_path, wye_binary):
    with own_wye(cluster, tmp_path) as wye:
        with contextlib.ExitStack() as stack:
            busy, idle = (stack.enter_context(wye.session()) for _ in range(2))
            idle.value("SELECT 1")
            busy.run("CREATE TABLE IF NOT EXISTS drained (a INT)")
            busy.run("DELETE FROM drained")
            busy.run("BEGIN")
            busy.run("INSERT INTO drained VALUES (1)")
            os.kill(wye.pid, signal.SIGTERM)
            wait_until(lambda: refuses(wye), "wye to refuse new clients")
            assert wye.process.poll() is None
            busy.run("INSERT INTO drained VALUES (2)")
            assert busy.value("SELECT COUNT(*) FROM drained") == 2
            busy.run("COMMIT")
            wye.process.wait(45)
        wye.finish()
    with cluster.witness.root(cluster.primary) as root:
        assert root.value("SELECT COUNT(*) FROM app.drained") == 2


def test_a_second_sigterm_ends_wye_at_once_and_its_transactions_are_rolled_back(cluster, tmp_path, wye_binary):
    with own_wye(cluster, tmp_path) as wye, wye.session() as session:
        session.run("CREATE TABLE IF NOT EXISTS drained (a INT)")
        session.run("DELETE FROM drained")
        session.run("BEGIN")
        session.run("INSERT INTO drained VALUES (3)")
        os.kill(wye.pid, signal.SIGTERM)
        wait_until(lambda: refuses(wye), "wye to refuse new clients")
        assert wye.process.poll() is None
        wye.finish()
    with cluster.witness.root(cluster.primary) as root:
        assert root.value("SELECT COUNT(*) FROM app.drained WHERE a = 3 FOR UPDATE") == 0


def test_the_drain_ends_after_its_time(cluster, tmp_path, wye_binary):
    with own_wye(cluster, tmp_path, "--set", "drain_timeout=1s") as wye, wye.session() as session:
        session.run("BEGIN")
        session.value("SELECT 1 FROM whoami")
        wye.finish()


def test_a_statement_that_runs_at_sigterm_is_answered(cluster, tmp_path, wye_binary):
    with own_wye(cluster, tmp_path) as wye:
        connection = wye.connect()
        answers = []
        thread = threading.Thread(target=lambda: answers.append(Session(connection).value("SELECT SLEEP(1) + 5")))
        thread.start()
        wait_until(lambda: any(int(row["in_flight"]) for row in wye.servers().values()), "the statement to run")
        wye.finish()
        thread.join(60)
        assert answers == [5]
        connection.close()
