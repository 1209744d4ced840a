"""What Prometheus and Grafana see: metrics that promtool finds no fault with, and alerts that fire when their fault is there."""

import contextlib
import json
import os
import re
import resource
import signal
import threading

import pymysql
import pytest

from conftest import start_wye
from endpoint import Session, wait_until
from prometheus import EXAMPLES, RULES, WINDOW, Prometheus, alert_names, promtool
from test_console import metrics
from wye_process import Wye

# The servers' kind does not matter here.
once = pytest.mark.flavor("mariadb")

DASHBOARD = EXAMPLES / "grafana" / "wye.json"
QUICK = ["--set", "monitor_interval=100ms", "--set", "slow_start=0", "--set", "connect_timeout=1s", "--threads", "2"]


@pytest.fixture(scope="module")
def wye_options():
    # `ghost` may log in to wye, and no server knows it.
    return [*QUICK, "--user", "ghost:ghost"]


class Mortal:
    """A wye that a test may stop, and start again where it was."""

    def __init__(self, cluster, directory):
        self.cluster, self.directory = cluster, directory
        self.wye = self._start()

    def _start(self, port=None):
        return Wye(self.directory, *QUICK, self.cluster.monitor_url(), port=port).ready()

    def again(self):
        self.wye.finish()
        self.wye = self._start(self.wye.port)


@pytest.fixture(scope="module")
def mortal(cluster, tmp_path_factory):
    one = Mortal(cluster, tmp_path_factory.mktemp("mortal"))
    try:
        yield one
        one.wye.finish()
    finally:
        one.wye.kill()


@pytest.fixture(scope="module")
def prometheus(module_wye, mortal, tmp_path_factory):
    ports = [module_wye.get().http_port, mortal.wye.http_port]
    one = Prometheus(tmp_path_factory.mktemp("prometheus"), ["127.0.0.1:%d" % port for port in ports])
    try:
        yield one.ready(len(ports))
    finally:
        one.end()


# --- the metrics ---

@pytest.fixture
def traffic(wye):
    """Reads, writes and an error, so that everything that is counted by kind has been."""
    with wye.session() as session:
        session.run("CREATE TABLE IF NOT EXISTS watched (id INT PRIMARY KEY)")
        for i in range(20):
            session.value("SELECT name FROM whoami")
            session.run("REPLACE INTO watched VALUES (%d)" % i)
        session.error("SELECT no_such_column FROM whoami")


@once
def test_promtool_finds_no_fault_with_the_metrics(wye, traffic):
    assert promtool("check", "metrics", text=wye.get("/metrics")[1]) == ""


@once
def test_the_histograms_are_what_stats_latency_counts(wye, traffic):
    def counted():
        return wye.console("SELECT server, class, statements, time_us, queue_us FROM stats_latency")

    def seen_together():  # a statement is counted a moment after its client has the answer
        before, samples = counted(), metrics(wye)
        return (before, samples) if before == counted() else None
    rows, samples = wait_until(seen_together, "a moment in which nothing is counted")
    assert {row["class"] for row in rows} >= {"read", "write"}
    for row in rows:
        labels = '{server="%s",class="%s"' % (row["server"] or "wye", row["class"])
        assert samples["wye_statement_duration_seconds_count%s}" % labels] == row["statements"]
        assert samples["wye_statement_duration_seconds_sum%s}" % labels] == pytest.approx(row["time_us"] / 1e6)
        buckets = [value for name, value in samples.items()
                   if name.startswith("wye_statement_duration_seconds_bucket%s," % labels)]
        assert buckets == sorted(buckets) and buckets[-1] == row["statements"] and len(buckets) > 15


@once
def test_counters_go_on_from_scrape_to_scrape(wye, traffic):
    def counters():
        return {name: value for name, value in metrics(wye).items() if re.search(r"_(total|count|sum|bucket)\b", name)}
    before, after = counters(), counters()
    assert before and not [name for name in before if not after[name] >= before[name]]


@once
def test_proxysqls_names_are_there_when_asked_for(wye, cluster, traffic):
    assert "proxysql_" not in wye.get("/metrics")[1]
    wye.console("SET proxysql_metrics = on")
    try:
        samples = metrics(wye)
        labels = '{endpoint="%s",hostgroup="10"}' % cluster.primary.address
        assert samples["proxysql_connpool_conns_queries_total" + labels] >= 20
        assert samples["proxysql_connpool_conns_status" + labels] == 1
        assert samples["proxysql_questions_total"] >= 40
    finally:
        wye.console("SET proxysql_metrics = off")


# --- the examples ---

def exported(wye):
    """Names of /metrics, as queries use them."""
    return {re.match(r"\w+", line).group() for line in wye.get("/metrics")[1].splitlines() if line and line[0] != "#"}


def names_in(expression):
    return set(re.findall(r"\b(?:wye|process)_\w+", re.sub(r'"[^"]*"', "", expression)))


def dashboard_expressions():
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"] + dashboard["annotations"]["list"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [panel]) if "expr" in target]


def test_promtool_finds_no_fault_with_the_rules():
    assert "SUCCESS" in promtool("check", "rules", RULES)


@once
def test_rules_and_dashboard_use_only_what_is_exported(wye, traffic):
    with contextlib.suppress(pymysql.MySQLError):
        wye.connect("app", "wrong")
    there = exported(wye)
    used = set().union(*map(names_in, [RULES.read_text(), *dashboard_expressions()]))
    assert len(used) > 30
    assert used <= there, used - there


def test_the_dashboards_panels_are_apart_and_have_a_source():
    dashboard = json.loads(DASHBOARD.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["targets"] and panel["datasource"]["uid"] == "${datasource}"


@once
def test_prometheus_understands_every_panel(prometheus, traffic):
    variables = {"$__rate_interval": WINDOW[1:-1], "$instance": ".*", "$job": ".*"}
    for expression in dashboard_expressions():
        for name, value in variables.items():
            expression = expression.replace(name, value)
        prometheus.query(expression)


# --- each alert, by a fault ---

def nothing():
    pass


@contextlib.contextmanager
def stopped_wye(wye, cluster, mortal):
    os.kill(mortal.wye.pid, signal.SIGSTOP)
    try:
        yield nothing
    finally:
        os.kill(mortal.wye.pid, signal.SIGCONT)


@contextlib.contextmanager
def restarted_wye(wye, cluster, mortal):
    mortal.again()
    yield nothing


@contextlib.contextmanager
def paused(wye, cluster, mortal):
    wye.console("PAUSE")
    try:
        yield nothing
    finally:
        wye.console("RESUME")


@contextlib.contextmanager
def few_files(wye, cluster, mortal):
    before = resource.prlimit(wye.pid, resource.RLIMIT_NOFILE)
    files = len(os.listdir("/proc/%d/fd" % wye.pid))
    resource.prlimit(wye.pid, resource.RLIMIT_NOFILE, (int(files / 0.85), before[1]))
    try:
        yield nothing
    finally:
        resource.prlimit(wye.pid, resource.RLIMIT_NOFILE, before)


@contextlib.contextmanager
def dead_primary(wye, cluster, mortal):
    cluster.kill(cluster.primary)
    yield nothing  # `hurt` starts it again


@contextlib.contextmanager
def writable_replica(wye, cluster, mortal):
    replica = cluster.replicas[0]
    cluster.sql(replica, "SET GLOBAL read_only = 0")
    try:
        yield nothing
    finally:
        cluster.sql(replica, "SET GLOBAL read_only = 1")


@contextlib.contextmanager
def stopped_replication(wye, cluster, mortal):
    for replica in cluster.replicas:
        cluster.stop_sql(replica)
    yield nothing


@contextlib.contextmanager
def drained(wye, cluster, mortal):
    wye.console("DRAIN '%s'" % cluster.replicas[0].address)
    try:
        yield nothing
    finally:
        wye.console("RESUME '%s'" % cluster.replicas[0].address)


@contextlib.contextmanager
def late_replica(wye, cluster, mortal):
    replica = cluster.replicas[0]
    cluster.lag(replica, 9)
    try:
        with cluster.witness.root(cluster.primary) as root:
            def write():
                root.run("DELETE FROM app.watched WHERE id = 1")
                root.run("INSERT INTO app.watched VALUES (1)")
            yield write
    finally:
        cluster.lag(replica, 0)


@contextlib.contextmanager
def one_connection(wye, cluster, mortal):
    """More transactions than there are connections, also those that each thread has kept."""
    wye.console("SET server_max_connections = 1")
    over = threading.Event()
    sessions = [threading.Thread(target=_hold, args=(wye, number, over), daemon=True) for number in range(6)]
    try:
        for session in sessions:
            session.start()
        yield nothing
    finally:
        over.set()
        for session in sessions:
            session.join(30)
        wye.console("SET server_max_connections = 500")


def _hold(wye, number, over):
    with contextlib.suppress(pymysql.MySQLError), wye.session() as session:
        session.run("BEGIN")
        session.run("REPLACE INTO watched VALUES (%s)", [number])
        over.wait()


@contextlib.contextmanager
def few_clients(wye, cluster, mortal):
    wye.console("SET max_connections = 2")
    try:
        with wye.session(), wye.session():
            yield nothing
    finally:
        wye.console("SET max_connections = 10000")


@contextlib.contextmanager
def many_pins(wye, cluster, mortal):
    with contextlib.ExitStack() as sessions:
        for _ in range(22):
            sessions.enter_context(wye.session()).run("CREATE TEMPORARY TABLE pinning (a INT)")
        yield nothing


@contextlib.contextmanager
def account_unknown_to_servers(wye, cluster, mortal):
    def fail():
        with contextlib.suppress(pymysql.MySQLError), wye.session("ghost", database=None) as session:
            session.value("SELECT 1 FROM app.whoami")
    yield fail


@contextlib.contextmanager
def killed_connections(wye, cluster, mortal):
    with cluster.witness.root(cluster.primary) as root:
        def lose():
            with wye.session() as session:
                session.run("BEGIN")
                session.run("REPLACE INTO watched VALUES (3)")
                for row in root.rows("SELECT trx_mysql_thread_id FROM information_schema.innodb_trx"):
                    with contextlib.suppress(pymysql.MySQLError):  # of the last round, and gone
                        root.run("KILL CONNECTION %d" % row[0])
                with contextlib.suppress(pymysql.MySQLError):
                    session.run("REPLACE INTO watched VALUES (4)")
        yield lose


@contextlib.contextmanager
def failing_statements(wye, cluster, mortal):
    with wye.session() as session:
        yield lambda: session.error("SELECT no_such_column FROM whoami")


@contextlib.contextmanager
def wrong_passwords(wye, cluster, mortal):
    def try_one():
        with contextlib.suppress(pymysql.MySQLError):
            Session(wye.connect("app", "wrong")).close()
    yield try_one


@contextlib.contextmanager
def slow_reads(wye, cluster, mortal):
    with wye.session() as session:
        yield lambda: session.value("SELECT SLEEP(1.1) FROM whoami")


FAULTS = [
    (restarted_wye, {"WyeRestarted"}),
    (stopped_wye, {"WyeDown"}),
    (paused, {"WyePaused"}),
    (few_files, {"WyeFilesNearLimit"}),
    (dead_primary, {"WyeNoPrimary", "WyeServerDown"}),
    (writable_replica, {"WyeTwoPrimaries"}),
    (stopped_replication, {"WyeReplicaOutOfPool", "WyeNoReplica"}),
    (drained, {"WyeReplicaDrained"}),
    (late_replica, {"WyeReplicaLag"}),
    (one_connection, {"WyePoolExhausted", "WyePoolNearLimit"}),
    (few_clients, {"WyeClientsNearLimit"}),
    (many_pins, {"WyePinsHigh"}),
    (account_unknown_to_servers, {"WyeConnectFailures"}),
    (killed_connections, {"WyeConnectionsLost"}),
    (failing_statements, {"WyeErrors"}),
    (wrong_passwords, {"WyeLoginsRefused"}),
    (slow_reads, {"WyeReadsSlow"}),
]


def test_every_alert_has_a_fault():
    assert sorted(name for _, alerts in FAULTS for name in alerts) == sorted(alert_names())


@once
@pytest.mark.parametrize("fault, alerts", FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_an_alert_fires_when_its_fault_is_there_and_only_then(prometheus, wye, mortal, hurt, traffic, fault, alerts):
    wait_until(lambda: not alerts & prometheus.firing(), "%s to be quiet" % alerts)
    with fault(wye, hurt, mortal) as go_on:
        def fires():
            go_on()
            return alerts <= prometheus.firing()
        wait_until(fires, "%s to fire" % alerts)
