"""The HTTP side: the console's tables as JSON, EXPLAIN ROUTE, the dashboard's files, and what is refused."""

import gzip
import http.client
import json
import urllib.parse

import pytest

from conftest import start_wye
from endpoint import wait_until
from wye_process import REPOSITORY

# The servers' kind does not matter here.
pytestmark = pytest.mark.flavor("mariadb")

# What has rows as soon as wye runs.
FILLED = {"settings", "servers", "rules", "stats_servers", "stats_pins", "stats_rules", "stats_workers", "stats_events",
          "stats_memory"}

PAGE = REPOSITORY / "proxy" / "dashboard"


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        self.type = self.headers["Content-Type"]

    def json(self):
        assert self.type == "application/json"
        return json.loads(self.body)


@pytest.fixture
def ask(wye, cluster):
    """ask(path, method, argument=value..., headers={}): an Answer."""
    def request(path, method="GET", headers={}, body=None, **arguments):
        connection = http.client.HTTPConnection("127.0.0.1", wye.http_port, timeout=20)
        try:
            query = "?" + urllib.parse.urlencode(arguments) if arguments else ""
            connection.request(method, path + query, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()
    return request


# --- tables ---

def test_every_table_of_the_console_is_there_with_its_columns(ask, wye):
    wye.console("INSERT INTO rules (user, class, route) VALUES ('reports', 'replica', 'primary')")
    try:
        paths = {row["path"] for row in ask("/api/v1").json()}
        tables = [list(row.values())[0] for row in wye.console("SHOW TABLES")]
        assert FILLED < set(tables)
        for table in tables:
            assert "/api/v1/" + table in paths
            rows = ask("/api/v1/" + table).json()
            columns = [row["Field"] for row in wye.console("SHOW COLUMNS FROM " + table)]
            assert all(list(row) == columns for row in rows)
            assert rows or table not in FILLED, table
    finally:
        wye.console("DELETE FROM rules")


def test_passwords_are_not_told(ask, wye):
    wye.console("INSERT INTO users (name, password) VALUES ('by_hand', 'geheim')")
    try:
        (row,) = ask("/api/v1/users").json()
        assert row["name"] == "by_hand" and row["password"] == "***"
        assert b"geheim" not in ask("/api/v1/users").body + ask("/api/v1/settings").body
    finally:
        wye.console("DELETE FROM users")


def test_rows_come_in_the_order_and_number_asked_for(ask):
    rows = ask("/api/v1/settings", order="-name", limit=3).json()
    names = [row["name"] for row in rows]
    assert len(names) == 3 and names == sorted(names, reverse=True)
    assert "no column 'nam'" in ask("/api/v1/settings", order="nam").json()["error"]
    assert ask("/api/v1/settings", order='name" UNION SELECT 1 --').status == 400
    assert ask("/api/v1/settings", limit="0").status == 400
    assert ask("/api/v1/settings", limit="3; DELETE").status == 400


def test_statements_of_all_servers_are_one_row(ask, wye):
    for _ in range(10):
        with wye.session() as session:
            for _ in range(3):
                session.value("SELECT 'together', name FROM whoami")
    rows = [row for row in ask("/api/v1/statements", order="-statements", limit=1000).json() if "whoami" in row["text"]]
    assert [(row["statements"], row["servers"]) for row in rows] == [(30, 2)]
    assert ask("/api/v1/statements", order="nothing").status == 400


def test_the_overview_agrees_with_the_console(ask, wye, cluster):
    with wye.session() as session:
        session.value("SELECT name FROM whoami")
        overview = ask("/api/v1/overview").json()
        assert overview["ready"] is True and overview["not_ready"] == ""
        assert overview["workers"][0]["clients"] == 1
    assert {row["server"] for row in overview["servers"]} == {server.address for server in cluster.servers}
    assert {row["server"] for row in overview["pools"]} <= {server.address for server in cluster.servers}
    assert overview["events"][0]["number"] == wye.console("SELECT max(number) AS n FROM stats_events")[0]["n"]


# --- EXPLAIN ROUTE ---

def test_explain_says_what_the_console_says(ask, wye):
    for statement in ("SELECT name FROM whoami", "INSERT INTO t VALUES (1)", "SELECT 1; -- 'ü'"):
        (row,) = wye.console("EXPLAIN ROUTE %s FOR USER app IN DATABASE app" % statement.partition(";")[0])
        told = ask("/api/v1/explain", statement=statement.partition(";")[0], user="app", database="app").json()
        assert list(told) == list(row)
        assert [told[name] for name in ("route", "reason", "digest")] == [row[name] for name in ("route", "reason", "digest")]


def test_explain_tells_of_what_came_before_and_of_sessions_that_are_there(ask, wye, flavor):
    where = {"statement": "SELECT name FROM whoami", "user": "app", "database": "app"}
    assert ask("/api/v1/explain", **where, after="BEGIN").json()["reason"] == "in-transaction"
    with wye.session(tls=flavor == "mysql") as session:
        session.run("BEGIN")
        number = session.connection.thread_id()
        assert ask("/api/v1/explain", statement=where["statement"], connection=number).json()["reason"] == "in-transaction"
    assert ask("/api/v1/explain", statement=where["statement"], connection=7).status == 404


def test_explain_runs_nothing_and_is_bounded(ask, wye, cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.kept (id INT PRIMARY KEY)")
        root.run("REPLACE INTO app.kept VALUES (1)")
        assert ask("/api/v1/explain", statement="DELETE FROM kept", user="app", database="app").json()["route"] == "primary"
        assert root.value("SELECT COUNT(*) FROM app.kept") == 1
    assert "missing" in ask("/api/v1/explain").json()["error"]
    assert ask("/api/v1/explain", statement=" ; ").status == 400
    assert ask("/api/v1/explain", statement="SELECT " + "1" * 8100).status == 200
    assert ask("/api/v1/explain", statement="SELECT " + "1" * 8200).status == 414
    assert ask("/api/v1/explain", statement="SELECT " + "1" * 200000).status in (413, 414, 431)
    assert ask("/healthz").status == 200


# --- what is refused ---

def test_unknown_paths_get_a_sentence(ask):
    answer = ask("/api/v1/stats_server")
    assert answer.status == 404 and "did you mean stats_servers?" in answer.json()["error"]
    answer = ask("/api/v1/sqlite_master")
    assert answer.status == 404 and "/api/v1 lists" in answer.json()["error"]
    for path in ("/nothing", "/api", "/api/v2/settings", "/dashboard/../../etc/passwd", "/dashboard/", "/" + "x" * 2000):
        answer = ask(path)
        assert answer.status == 404 and b"There is no such page" in answer.body, path


def test_only_reading_is_understood(ask):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = ask("/api/v1/settings", method, body=b"x" * 1000)
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"
    for path in ("/", "/metrics", "/healthz", "/readyz", "/api/v1", "/api/v1/settings", "/dashboard/main.js"):
        head, get = ask(path, "HEAD"), ask(path)
        assert (head.status, head.body, head.type) == (200, b"", get.type)


def test_other_sites_get_nothing(ask):
    for path in ("/", "/api/v1/settings", "/api/v1/explain?statement=SELECT+1"):
        answer = ask(path, headers={"Origin": "http://evil.example"})
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        # A name of somebody else's that leads to this machine.
        assert ask(path, headers={"Host": "evil.example:6070"}).status == 421
        for name in ("localhost:1", "wye.localhost", "127.0.0.1", "[::1]:6070"):
            assert ask(path, headers={"Host": name}).status == 200
    for path in ("/metrics", "/healthz", "/readyz"):
        assert ask(path, headers={"Host": "wye.shop.internal"}).status == 200


# --- the dashboard's files ---

def test_the_files_are_those_of_the_source(ask):
    files = {"/": PAGE / "index.html", **{"/dashboard/" + path.name: path for path in PAGE.glob("*.[cj]s*")}}
    assert len(files) >= 8
    for path, source in files.items():
        plain, packed = ask(path), ask(path, headers={"Accept-Encoding": "gzip, br"})
        assert plain.body == source.read_bytes() == gzip.decompress(packed.body)
        assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
        assert "Accept-Encoding" in plain.headers["Vary"]
        again = ask(path, headers={"If-None-Match": packed.headers["ETag"]})
        assert again.status == 304 and not again.body
    assert b"Chart.js" in ask("/dashboard/chart.js").body[:200]
    assert ask("/").type == "text/html; charset=utf-8"
    assert ask("/dashboard/main.js").type == "text/javascript; charset=utf-8"


def test_the_page_may_load_nothing_from_elsewhere(ask):
    policy = ask("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
    for path in PAGE.iterdir():
        text = path.read_text()
        assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text, path
        assert "innerHTML" not in text and "insertAdjacentHTML" not in text and " style=" not in text, path


@pytest.mark.heavy
def test_a_look_at_everything_costs_little_memory(cluster, tmp_path):
    one = start_wye(cluster, tmp_path, "--threads", "2")
    try:
        # The looks that waited for it to be ready have touched much that is not needed again.
        wait_until(lambda: one.resident() < 10 << 20, "it rests in 10 MiB")
        before = one.resident()
        for _ in range(20):
            for path in ("/", "/dashboard/chart.js", "/metrics", "/api/v1/overview", "/api/v1/statements", "/api/v1/pinned"):
                assert one.get(path)[0] == 200
        assert one.resident() - before < 5 << 20
        one.finish()
    finally:
        one.kill()
