"""`wye import`: another proxy's configuration, and where statements go with what carries over."""

import re
import sqlite3

import pymysql
import pytest

from endpoint import wait_until
from wye_process import Wye, run_wye

# ProxySQL's tables as its versions from 2.1 on make them; no more columns than are read.
TABLES = """
CREATE TABLE mysql_servers (hostgroup_id INT NOT NULL DEFAULT 0, hostname VARCHAR NOT NULL, port INT NOT NULL DEFAULT 3306,
    gtid_port INT NOT NULL DEFAULT 0, status VARCHAR NOT NULL DEFAULT 'ONLINE', weight INT NOT NULL DEFAULT 1,
    compression INT NOT NULL DEFAULT 0, max_connections INT NOT NULL DEFAULT 1000,
    max_replication_lag INT NOT NULL DEFAULT 0, use_ssl INT NOT NULL DEFAULT 0, max_latency_ms INT NOT NULL DEFAULT 0,
    comment VARCHAR NOT NULL DEFAULT '', PRIMARY KEY (hostgroup_id, hostname, port));
CREATE TABLE mysql_users (username VARCHAR NOT NULL, password VARCHAR, active INT NOT NULL DEFAULT 1,
    use_ssl INT NOT NULL DEFAULT 0, default_hostgroup INT NOT NULL DEFAULT 0, default_schema VARCHAR,
    schema_locked INT NOT NULL DEFAULT 0, transaction_persistent INT NOT NULL DEFAULT 1,
    fast_forward INT NOT NULL DEFAULT 0, backend INT NOT NULL DEFAULT 1, frontend INT NOT NULL DEFAULT 1,
    max_connections INT NOT NULL DEFAULT 10000, attributes VARCHAR NOT NULL DEFAULT '', comment VARCHAR NOT NULL DEFAULT '',
    PRIMARY KEY (username, backend), UNIQUE (username, frontend));
CREATE TABLE mysql_replication_hostgroups (writer_hostgroup INT NOT NULL PRIMARY KEY, reader_hostgroup INT NOT NULL UNIQUE,
    check_type VARCHAR NOT NULL DEFAULT 'read_only', comment VARCHAR NOT NULL DEFAULT '');
CREATE TABLE global_variables (variable_name VARCHAR NOT NULL PRIMARY KEY, variable_value VARCHAR NOT NULL);
CREATE TABLE mysql_query_rules (rule_id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, active INT NOT NULL DEFAULT 0,
    username VARCHAR, schemaname VARCHAR, flagIN INT NOT NULL DEFAULT 0, client_addr VARCHAR, proxy_addr VARCHAR,
    proxy_port INT, digest VARCHAR, match_digest VARCHAR, match_pattern VARCHAR,
    negate_match_pattern INT NOT NULL DEFAULT 0, re_modifiers VARCHAR DEFAULT 'CASELESS', flagOUT INT,
    replace_pattern VARCHAR, destination_hostgroup INT, cache_ttl INT, reconnect INT, timeout INT, retries INT, delay INT,
    next_query_flagIN INT, mirror_flagOUT INT, mirror_hostgroup INT, error_msg VARCHAR, OK_msg VARCHAR, sticky_conn INT,
    multiplex INT, gtid_from_hostgroup INT, log INT, apply INT NOT NULL DEFAULT 0, attributes VARCHAR NOT NULL DEFAULT '',
    comment VARCHAR);
"""

WRITER, READER, SPECIAL = 10, 20, 30

# What is not as it is by default.
RULES = [
    {"match_digest": r"^SELECT total FROM accounts WHERE id=\?$", "destination_hostgroup": WRITER, "apply": 1},
    {"match_pattern": r"^DELETE FROM `?\w+`?\s*$", "error_msg": "a DELETE needs a WHERE", "apply": 1},
    {"match_pattern": r"\bold_(\w+)\b", "replace_pattern": r"new_\1"},
    {"username": "nobody", "match_digest": ".", "error_msg": "not you", "apply": 1},
    {"schemaname": "elsewhere", "match_digest": ".", "error_msg": "not there", "apply": 1},
    {"client_addr": "10.9.%", "match_digest": ".", "error_msg": "not from there", "apply": 1},
    {"active": 0, "match_digest": ".", "error_msg": "nobody", "apply": 1},
    {"match_digest": "FROM settings", "cache_ttl": 5000},
    {"match_digest": r"^SELECT COUNT\(\*\)", "timeout": 30000},
    {"match_digest": "^SELECT .* FROM carts", "destination_hostgroup": WRITER, "apply": 1},
    {"username": "nobody", "match_digest": "whoami", "negate_match_pattern": 1, "log": 1},
    {"match_digest": "^SELECT.* FROM orders", "flagOUT": 5},
    {"flagIN": 5, "match_digest": "note", "destination_hostgroup": WRITER, "apply": 1},
    {"flagIN": 5, "match_digest": ".", "destination_hostgroup": READER, "apply": 1},
    {"match_digest": "^SELECT id FROM new_items", "destination_hostgroup": WRITER},
    {"match_digest": r"^SELECT name FROM whoami WHERE \?=\?", "destination_hostgroup": SPECIAL, "apply": 1},
    {"match_digest": "^SELECT 'mirrored'", "mirror_hostgroup": SPECIAL},
    {"digest": "0xDEADBEEF01234567", "destination_hostgroup": WRITER, "apply": 1},
    {"match_digest": "^SELECT.*FOR UPDATE", "destination_hostgroup": WRITER, "apply": 1},
    {"match_digest": "^SELECT", "destination_hostgroup": READER, "apply": 1},
]

STATEMENTS = [
    "SELECT total FROM accounts WHERE id = 1",
    "SELECT total FROM accounts WHERE id = 1 AND total > 0",
    "SELECT total FROM accounts",
    "SELECT id FROM carts",
    "SELECT id FROM carts WHERE id IN (1, 2)",
    "SELECT id FROM orders",
    "SELECT note FROM orders WHERE id = 1",
    "SELECT id FROM orders WHERE note = 'x' ORDER BY id",
    "SELECT id FROM new_items",
    "SELECT id FROM old_items",
    "SELECT id, id FROM new_items",
    "SELECT value FROM settings",
    "SELECT COUNT(*) FROM orders",
    "SELECT name FROM whoami",
    "SELECT name FROM whoami WHERE 1 = 1",
    "SELECT id FROM orders WHERE id = 1 FOR UPDATE",
    "SELECT id FROM accounts LOCK IN SHARE MODE",
    "SELECT 1",
    "SELECT 'a FOR UPDATE'",
    "SHOW TABLES",
    "(SELECT id FROM carts) UNION (SELECT id FROM orders)",
    "WITH c AS (SELECT id FROM carts) SELECT * FROM c",
    "DELETE FROM carts",
    "DELETE FROM carts WHERE id = 100",
    "INSERT INTO orders (id, note) VALUES (100, 'n')",
    "UPDATE orders SET note = 'm' WHERE id = 100",
    "REPLACE INTO accounts (id, total) VALUES (7, 7)",
    "DELETE FROM orders WHERE id = 100",
]

# ProxySQL would read these on a reader: they lock, and wye reads them on the primary whatever a rule says.
ON_THE_PRIMARY_ANYWAY = {"SELECT id FROM accounts LOCK IN SHARE MODE", "SELECT id FROM orders WHERE id = 1 FOR UPDATE"}


def digest(statement):
    """As ProxySQL's: literals become ?, and no blanks stand around punctuation."""
    text = re.sub(r"'[^']*'|\b\d+\b", "?", statement)
    return re.sub(r" *([=,<>]) *", r"\1", text)


def proxysql(statement):
    """The hostgroup that ProxySQL sends it to for account app in schema app, None when it refuses; and whether a rule said so."""
    flag, group = 0, None
    for given in RULES:
        rule = {"active": 1, "flagIN": 0, "apply": 0, **given}
        if not rule["active"] or rule["flagIN"] != flag or "client_addr" in rule or "digest" in rule or \
                rule.get("username", "app") != "app" or rule.get("schemaname", "app") != "app":
            continue
        asked = [(rule.get("match_digest"), digest(statement)), (rule.get("match_pattern"), statement)]
        if any(p is not None and bool(re.search(p, t, re.I)) == bool(rule.get("negate_match_pattern")) for p, t in asked):
            continue
        if "error_msg" in rule:
            return None, True
        flag = rule.get("flagOUT", flag)
        group = rule.get("destination_hostgroup", group)
        if "replace_pattern" in rule:
            statement = re.sub(rule["match_pattern"], rule["replace_pattern"], statement, flags=re.I)
        if rule["apply"]:
            break
    return (WRITER, False) if group is None else (group, True)


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        for name in ("accounts", "carts", "orders", "settings", "new_items"):
            root.run("CREATE TABLE IF NOT EXISTS app.%s (id INT PRIMARY KEY, total INT, note TEXT, value INT)" % name)
            root.run("REPLACE INTO app.%s (id) VALUES (1)" % name)
    cluster.wait_caught_up()


def insert(db, table, row):
    db.execute("INSERT INTO %s (%s) VALUES (%s)" % (table, ", ".join(row), ", ".join("?" * len(row))), list(row.values()))


@pytest.fixture(scope="module")
def database(cluster, tmp_path_factory):
    path = tmp_path_factory.mktemp("proxysql") / "proxysql.db"
    db = sqlite3.connect(str(path))
    db.executescript(TABLES)
    for server in cluster.servers:
        groups = [WRITER] if server is cluster.primary else [READER]
        groups += [SPECIAL] if server is cluster.replicas[1] else []
        for group in groups:
            insert(db, "mysql_servers", {"hostgroup_id": group, "hostname": server.host, "port": server.port,
                                         "max_replication_lag": 0 if group == WRITER else 7, "comment": server.name})
    insert(db, "mysql_users", {"username": "app", "password": "app", "default_hostgroup": WRITER})
    insert(db, "mysql_users", {"username": "sbtest", "password": "*" + "A" * 40, "default_hostgroup": WRITER})
    insert(db, "mysql_replication_hostgroups", {"writer_hostgroup": WRITER, "reader_hostgroup": READER})
    insert(db, "global_variables", {"variable_name": "mysql-max_connections", "variable_value": "4321"})
    insert(db, "global_variables", {"variable_name": "mysql-threads", "variable_value": "4"})
    for i, rule in enumerate(RULES):
        insert(db, "mysql_query_rules", {"rule_id": 10 * (i + 1), "active": 1, **rule})
    db.commit()
    db.close()
    return path


def imported(*arguments):
    done = run_wye("import", *[str(one) for one in arguments])
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def own(cluster, wyes):
    def start(config, *addresses):
        return wyes("--config", str(config), *(addresses or [cluster.monitor_url()]), replicas=cluster.replicas)
    return start


def ran_on(session, cluster, statement):
    """The hostgroup of where it ran; None when it was refused."""
    try:
        session.run(statement)
    except pymysql.MySQLError as error:
        assert error.args[0] == 1148, (statement, error)
        return None
    told = session.rows("SHOW WARNINGS")[-1][2]
    address = re.match(r"wye: server=(\S+) ", told).group(1)
    if address == cluster.primary.address:
        return WRITER
    return READER if address == cluster.replicas[0].address else (READER, SPECIAL)


def routed(wye, cluster, flavor):
    answers = {}
    with wye.session(tls=flavor == "mysql") as session:
        session.run("SET @wye_trace = 1, @wye_consistency = 'eventual'")
        for statement in STATEMENTS:
            times = 1 if statement.startswith("INSERT") else 3
            answers[statement] = {ran_on(session, cluster, statement) for _ in range(times)}
    return answers


def is_there(group, places):
    """Whether it always ran where ProxySQL would have sent it."""
    if group == SPECIAL:
        return places == {(READER, SPECIAL)}
    if group == READER:
        return places <= {READER, (READER, SPECIAL)}
    return places == {group}


def test_with_all_that_carries_over_exactly_each_statement_goes_where_it_went(database, own, cluster, flavor, tmp_path):
    config = tmp_path / "exact.db"
    imported("proxysql", database, "--exact", "--apply", config)
    answers = routed(own(config), cluster, flavor)
    other = {statement for statement in STATEMENTS if not is_there(proxysql(statement)[0], answers[statement])}
    assert other == {statement for statement in ON_THE_PRIMARY_ANYWAY if proxysql(statement)[0] == READER}
    assert all(answers[statement] == {WRITER} for statement in other)


def test_without_needless_rules_only_reads_that_no_rule_knew_go_elsewhere(database, own, cluster, flavor, tmp_path):
    config = tmp_path / "wye.db"
    text = imported("proxysql", database, "--apply", config)
    wye = own(config)
    answers = routed(wye, cluster, flavor)
    for statement in STATEMENTS:
        group, by_rule = proxysql(statement)
        if not is_there(group, answers[statement]) and statement not in ON_THE_PRIMARY_ANYWAY:
            assert not by_rule and is_there(READER, answers[statement]), (statement, group, answers[statement])
    kept = [row["id"] for row in wye.console("SELECT id FROM rules ORDER BY id")]
    assert len(kept) < len(RULES) and 190 not in kept
    for number in range(10, 10 * len(RULES) + 1, 10):  # each is told of
        assert "ProxySQL''s rule %d'" % number in text or "--   rule %d" % number in text, number
    assert "rule 190 (^SELECT.*FOR UPDATE): it goes to the primary by itself" in text
    # The one without apply counts behind all others, and would take what this one keeps on the readers.
    assert 200 in kept and "rule 210 behind it would take some of what it matches" in text
    settings = {row["name"]: row["value"] for row in wye.console("SELECT name, value FROM settings")}
    assert (settings["max_lag"], settings["max_connections"]) == ("7s", "4321")
    assert "(name) VALUES ('app')" in text  # without its password


def test_what_is_printed_can_be_run_on_the_console_again_and_again(database, own, cluster, flavor, tmp_path):
    text = imported("proxysql", database, "--passwords")
    config = tmp_path / "printed.db"
    wye = own(config)
    for _ in range(2):
        for line in text.split("\n"):
            if line and not line.startswith("--"):
                wye.console(line)
    wait_until(lambda: wye.console("SELECT password IS NULL AS is_null FROM users ORDER BY name") ==
               [{"is_null": 0}, {"is_null": 1}], "the accounts")
    applied = tmp_path / "applied.db"
    imported("proxysql", database, "--passwords", "--apply", applied)
    assert "nothing, it was there" in imported("proxysql", database, "--passwords", "--apply", applied)
    columns = "id, user, schema, client, match_digest, match_pattern, route, deny, timeout, rewrite, continue, comment"
    with sqlite3.connect(str(config)) as one, sqlite3.connect(str(applied)) as other:
        query = "SELECT %s FROM rules ORDER BY id" % columns
        assert one.execute(query).fetchall() == other.execute(query).fetchall() != []


CNF = r"""
datadir="/var/lib/proxysql"
mysql_variables= { max_connections=555; monitor_username="monitor" ; interfaces="0.0.0.0:6033" }
mysql_servers = (
  { address="db1" , port=3306 , hostgroup=0 , max_connections=200 },
  { address="db2" , port=3307 , hostgroup=1 , max_replication_lag=3 , weight=5000 , comment="it's" }
)
mysql_users: ( { username = "web" , password = "pw" , default_hostgroup = 0 , active = 1 } )
mysql_query_rules: (
  { rule_id=1 active=1 match_pattern="^SELECT .* FOR UPDATE$" destination_hostgroup=0 apply=1 },
  { rule_id=2 active=1 match_pattern="^SELECT" destination_hostgroup=1 apply=1 }
)
mysql_replication_hostgroups = ( { writer_hostgroup=0 reader_hostgroup=1 } )
"""


def test_a_proxysql_cnf_is_read_too(tmp_path, wye_binary):
    path = tmp_path / "proxysql.cnf"
    path.write_text(CNF)
    text = imported("proxysql", path)
    assert "('db1:3306', 'auto', '1', '')" in text and "('db2:3307', 'auto', '1000', 'it''s')" in text
    assert "('max_lag', '3s')" in text and "('max_connections', '555')" in text
    assert "REPLACE INTO rules" not in text and "pw" not in text
    assert "('web', 'pw')" in imported("proxysql", path, "--passwords")
    path.write_text(CNF + "\nmysql_users: (")
    broken = run_wye("import", "proxysql", str(path))
    assert broken.returncode == 1 and "in line" in broken.stderr


MAXSCALE = """
[maxscale]
threads=auto
[server1]
type=server
address=10.0.0.1
port=3306
[server2]
type=server
address=10.0.0.2
ssl=true
[The-Monitor]
type=monitor
module=mariadbmon
servers=server1,server2
user=monitor_user
password=secret_one
monitor_interval=2000ms
auto_failover=true
[reports]
type=filter
module=namedserverfilter
match01=^SELECT.*FROM reports
target01=server2
match02=FROM balances
target02=->master
options=ignorecase
[rename]
type=filter
module=regexfilter
match=old_(\\w+)
replace=new_\\1
[unused]
type=filter
module=namedserverfilter
match01=x
target01=server1
[Split]
type=service
router=readwritesplit
servers=server1,
    server2
filters=rename | reports
user=maxscale
password=secret_two
max_replication_lag=4s
causal_reads=global
master_accept_reads=true
[Reads]
type=service
router=readconnroute
router_options=slave
servers=server2
[Split-Listener]
type=listener
service=Split
port=4006
[Reads-Listener]
type=listener
service=Reads
port=4008
"""


def test_a_maxscale_cnf_becomes_servers_settings_and_rules(tmp_path, wye_binary):
    path = tmp_path / "maxscale.cnf"
    path.write_text(MAXSCALE)
    config = tmp_path / "wye.db"
    text = imported("maxscale", path, "--apply", config)
    with sqlite3.connect(str(config)) as db:
        assert db.execute("SELECT server, comment FROM servers ORDER BY server").fetchall() == \
            [("10.0.0.1:3306", "server1"), ("10.0.0.2:3306", "server2")]
        assert dict(db.execute("SELECT name, value FROM settings")) == {
            "max_lag": "4s", "consistency": "global", "reads_on_primary": "always", "monitor_interval": "2000ms", "threads": "0"}
        assert db.execute("SELECT match_pattern, route, rewrite FROM rules ORDER BY id").fetchall() == [
            ("^SELECT.*FROM reports", "10.0.0.2:3306", None), ("FROM balances", "primary", None),
            ("(?-i)old_(\\w+)", None, "new_${1}")]
    assert "--listen 0.0.0.0:4006\n" in text and "--listen 0.0.0.0:4008,route=replica\n" in text
    assert "filter unused: no service has it" in text and "auto_failover = true" in text
    assert "secret" not in text


@pytest.mark.parametrize("arguments, says", [
    ((), "wye import proxysql|maxscale FILE"), (("pgbouncer", "x"), "not 'pgbouncer'"), (("proxysql", "/nowhere"), "/nowhere"),
    (("proxysql", "/dev/null", "--exakt"), "'--exakt'"), (("maxscale", "/nowhere"), "/nowhere"),
    (("maxscale", "/dev/null", "--exact"), "for proxysql"), (("proxysql", "/dev/null", "--apply"), "missing")])
def test_what_cannot_be_read_is_one_line(arguments, says, wye_binary):
    done = run_wye("import", *arguments)
    assert done.returncode in (1, 2) and says in done.stderr and done.stderr.count("\n") == 1 and not done.stdout


def test_a_damaged_database_is_one_line(database, tmp_path, wye_binary):
    damaged = tmp_path / "damaged.db"
    whole = database.read_bytes()
    for size in (16, 100, 4096, len(whole) // 2):
        damaged.write_bytes(whole[:size])
        done = run_wye("import", "proxysql", str(damaged))
        assert done.returncode == 1 and done.stderr.count("\n") == 1, (size, done)
