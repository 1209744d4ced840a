"""Tools that were written for other servers, on wye's console: ProxySQL's collectors, graphical tools, shells."""

import subprocess
import threading

import pymysql
import pytest
from mycli.completion_refresher import CompletionRefresher
from mycli.sqlcompleter import SQLCompleter
from mycli.sqlexecute import SQLExecute

from endpoint import Endpoint, wait_until

# What collectors and exporters for ProxySQL ask, and the columns that they read by name.
COLLECTORS = {
    "SELECT Variable_Name, Variable_Value FROM stats_mysql_global": {"Variable_Name", "Variable_Value"},
    "SELECT * FROM stats.stats_mysql_global;": {"Variable_Name", "Variable_Value"},
    "SHOW MYSQL STATUS": {"Variable_Name", "Variable_Value"},
    "SELECT * FROM stats_memory_metrics;": {"Variable_Name", "Variable_Value"},
    "SELECT hostgroup, srv_host, srv_port, status, ConnUsed, ConnFree, ConnOK, ConnERR, Queries, Bytes_data_sent, "
    "Bytes_data_recv, Latency_us FROM stats_mysql_connection_pool": {"hostgroup", "srv_host", "Latency_us"},
    "SELECT * FROM stats_mysql_connection_pool;": {
        "hostgroup", "srv_host", "srv_port", "status", "ConnUsed", "ConnFree", "ConnOK", "ConnERR", "MaxConnUsed",
        "Queries", "Queries_GTID_sync", "Bytes_data_sent", "Bytes_data_recv", "Latency_us"},
    "SELECT * FROM stats_mysql_commands_counters;": {
        "Command", "Total_Time_us", "Total_cnt", "cnt_100us", "cnt_500us", "cnt_1ms", "cnt_5ms", "cnt_10ms", "cnt_50ms",
        "cnt_100ms", "cnt_500ms", "cnt_1s", "cnt_5s", "cnt_10s", "cnt_INFs"},
    "SELECT * FROM stats_mysql_users;": {"username", "frontend_connections", "frontend_max_connections"},
    "SELECT hostgroup, schemaname, username, client_address, digest, digest_text, count_star, first_seen, last_seen, "
    "sum_time, min_time, max_time, sum_rows_affected, sum_rows_sent FROM stats_mysql_query_digest "
    "ORDER BY sum_time DESC LIMIT 10": {"digest", "digest_text", "count_star", "sum_time"},
    "SELECT ThreadID, SessionID, user, db, cli_host, cli_port, hostgroup, l_srv_host, l_srv_port, srv_host, srv_port, "
    "command, time_ms, info FROM stats_mysql_processlist": {"SessionID", "user", "command", "time_ms"},
    "SELECT user, db, cli_host, hostgroup, COUNT(*) AS n FROM stats_mysql_processlist GROUP BY user, db, cli_host, "
    "hostgroup": {"user", "n"},
    "SELECT hostgroup_id, hostname, port, status, weight, max_connections, max_replication_lag, use_ssl, "
    "max_latency_ms, comment FROM runtime_mysql_servers": {"hostgroup_id", "hostname", "port", "status", "weight"},
    "SELECT hostgroup_id, hostname, port, gtid_port, compression FROM main.mysql_servers": {"hostname"},
    "SELECT writer_hostgroup, reader_hostgroup, comment FROM mysql_replication_hostgroups": {"writer_hostgroup"},
    "SELECT variable_name, variable_value FROM global_variables WHERE variable_name LIKE 'mysql-%'": {"variable_value"},
    "SELECT Variable_Value FROM global_variables WHERE Variable_Name = 'admin-version'": {"variable_value"},
    "SELECT hostname, port, gtid_executed, events FROM stats_mysql_gtid_executed": {"gtid_executed"},
    "SELECT rule_id, hits FROM stats_mysql_query_rules": {"rule_id", "hits"},
    "SELECT * FROM stats_mysql_query_rules ORDER BY hits DESC;": {"rule_id", "hits"},
    "SELECT rule_id, active, username, schemaname, match_digest, match_pattern, destination_hostgroup, error_msg, apply, "
    "comment FROM runtime_mysql_query_rules ORDER BY rule_id": {"rule_id", "active", "destination_hostgroup", "apply"},
    "SELECT * FROM main.mysql_query_rules": {
        "rule_id", "active", "username", "schemaname", "flagIN", "client_addr", "proxy_addr", "proxy_port", "digest",
        "match_digest", "match_pattern", "negate_match_pattern", "re_modifiers", "flagOUT", "replace_pattern",
        "destination_hostgroup", "cache_ttl", "cache_empty_result", "cache_timeout", "reconnect", "timeout", "retries",
        "delay", "next_query_flagIN", "mirror_flagOUT", "mirror_hostgroup", "error_msg", "OK_msg", "sticky_conn",
        "multiplex", "gtid_from_hostgroup", "log", "apply", "attributes", "comment"},
    "SELECT r.rule_id, s.hits FROM mysql_query_rules r NATURAL JOIN stats_mysql_query_rules s": {"hits"},
    "SELECT COUNT(*) AS n FROM runtime_mysql_servers WHERE status <> 'ONLINE'": {"n"},
    "SELECT hostgroup, srv_host, srv_port, status, SUM(ConnUsed) AS used, SUM(Queries) AS queries FROM "
    "stats.stats_mysql_connection_pool GROUP BY hostgroup, srv_host, srv_port, status": {"used", "queries"},
    "SELECT COUNT(*) AS n FROM stats_mysql_processlist WHERE command <> 'Sleep'": {"n"},
    "SELECT COUNT(*) AS n FROM stats_mysql_prepared_statements_info": {"n"},
    "SELECT COUNT(*) AS n FROM mysql_query_rules_fast_routing": {"n"},
    "SELECT COUNT(*) AS n FROM runtime_proxysql_servers": {"n"},
    "SELECT COUNT(*) AS n FROM scheduler": {"n"},
}

# What clients say when they begin: the shells, DBeaver with Connector/J, MySQL Workbench, mycli.
BEGINNINGS = [
    "SELECT VERSION()",
    "select @@version_comment limit 1",
    "select USER()",
    "SELECT DATABASE()",
    "/* mysql-connector-j-8.4.0 */SELECT  @@session.auto_increment_increment AS auto_increment_increment, "
    "@@character_set_client AS character_set_client, @@character_set_connection AS character_set_connection, "
    "@@character_set_results AS character_set_results, @@character_set_server AS character_set_server, "
    "@@collation_server AS collation_server, @@collation_connection AS collation_connection, "
    "@@init_connect AS init_connect, @@interactive_timeout AS interactive_timeout, @@license AS license, "
    "@@lower_case_table_names AS lower_case_table_names, @@max_allowed_packet AS max_allowed_packet, "
    "@@net_write_timeout AS net_write_timeout, @@performance_schema AS performance_schema, @@sql_mode AS sql_mode, "
    "@@system_time_zone AS system_time_zone, @@time_zone AS time_zone, "
    "@@transaction_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout",
    "SET character_set_results = NULL",
    "SET autocommit=1",
    "SET sql_mode='STRICT_TRANS_TABLES'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SQL_SAFE_UPDATES=1",
    "SET CHARACTER SET utf8",
    "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci'",
    "SHOW WARNINGS",
    "SHOW PLUGINS",
    "SHOW ENGINES",
    "SHOW CHARSET",
    "SHOW CHARACTER SET",
    "SHOW COLLATION",
    "SHOW PRIVILEGES",
    "SHOW GRANTS FOR CURRENT_USER()",
    "SHOW VARIABLES LIKE 'aurora\\_version'",
    "SHOW SESSION VARIABLES LIKE 'lower_case_table_names'",
    "SHOW SESSION VARIABLES LIKE 'sql_mode'",
    "SHOW SESSION STATUS LIKE 'Ssl_cipher'",
    "SHOW GLOBAL VARIABLES",
    "SHOW GLOBAL STATUS",
    "SELECT current_user()",
    "SELECT CONNECTION_ID()",
    "SELECT @@GLOBAL.character_set_server,@@GLOBAL.collation_server",
    "SHOW DATABASES",
    "SHOW FULL TABLES FROM `wye`",
    "SHOW FULL TABLES FROM `wye` WHERE Table_type <> 'VIEW'",
    "SHOW TABLE STATUS FROM `wye`",
    "SHOW FULL COLUMNS FROM `stats_servers` FROM `wye`",
    "SHOW CREATE TABLE `wye`.`servers`",
    "SHOW INDEX FROM `stats_servers` FROM `wye`",
    "SHOW PROCEDURE STATUS WHERE Db='wye'",
    "SHOW FUNCTION STATUS WHERE Db='wye'",
    "SHOW TRIGGERS FROM `wye`",
    "SHOW EVENTS FROM `wye`",
    "SHOW COLUMNS FROM stats_mysql_connection_pool",
    "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA",
    "SELECT * FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = 'information_schema' AND t.TABLE_NAME = "
    "'CHECK_CONSTRAINTS'",
    "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.columns WHERE table_schema = 'wye' "
    "ORDER BY table_name, ordinal_position",
    'SELECT ROUTINE_NAME FROM INFORMATION_SCHEMA.ROUTINES WHERE ROUTINE_TYPE="FUNCTION" AND ROUTINE_SCHEMA = "wye"',
    "SELECT CONCAT(\"'\", user, \"'@'\",host,\"'\") FROM mysql.user",
    'SELECT name from mysql.help_topic WHERE name like "SHOW %"',
    "SELECT * FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = 'wye' AND REFERENCED_TABLE_NAME IS NOT NULL",
    "SELECT table_name, table_type, table_comment FROM `information_schema`.`tables` WHERE table_schema = 'wye'",
    "SELECT wye.stats_servers.role FROM wye.stats_servers",
    "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance_schema.session_status WHERE VARIABLE_NAME = 'Uptime'",
    "SELECT TIME, USER FROM INFORMATION_SCHEMA.PROCESSLIST",
]


@pytest.fixture(scope="module", autouse=True)
def tables(cluster):
    with cluster.witness.root(cluster.primary) as root:
        root.run("CREATE TABLE IF NOT EXISTS app.tools (id INT PRIMARY KEY, v INT)")
        root.run("REPLACE INTO app.tools (id, v) VALUES (1, 1)")
    cluster.wait_caught_up()


@pytest.fixture
def console(wye):
    connection = pymysql.connect(host="127.0.0.1", port=wye.admin_port, user="stats", password="stats",
                                 cursorclass=pymysql.cursors.DictCursor, read_timeout=60, autocommit=True)
    yield lambda sql: run(connection, sql)
    connection.close()


def run(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_collectors_for_proxysql_get_the_columns_they_read(wye, console):
    with wye.session() as session:
        session.run("SELECT v FROM tools")
        session.run("UPDATE tools SET v = v + 1")
        session.error("SELECT nothing FROM tools")
        console("INSERT INTO rules (id, user, match_digest, route) VALUES (7, 'app', '^SELECT', 'replica')")
        try:
            for sql, columns in COLLECTORS.items():
                rows = console(sql)
                assert rows, sql
                assert columns <= set(rows[0]), sql
        finally:
            console("DELETE FROM rules WHERE id = 7")


def test_rules_as_proxysql_has_them(wye, console):
    console("INSERT INTO rules (id, user, match_digest, deny, comment) VALUES (8, 'app', 'never said', 'no', 'why')")
    try:
        with wye.session() as session:
            assert session.error("SELECT 1 AS `never said`") == 1148
        (rule,) = console("SELECT * FROM runtime_mysql_query_rules")
        assert (rule["rule_id"], rule["active"], rule["username"], rule["error_msg"]) == (8, 1, "app", "no")
        assert (rule["match_digest"], rule["apply"], rule["destination_hostgroup"]) == ("never said", 1, None)
        assert console("SELECT * FROM stats_mysql_query_rules") == [{"rule_id": 8, "hits": 1}]
    finally:
        console("DELETE FROM rules WHERE id = 8")


def test_what_proxysql_s_names_stand_for(wye, cluster, console):
    with wye.session() as session:
        for _ in range(3):
            session.run("UPDATE tools SET v = v + 1 WHERE id = 1")
        session.run("SELECT v, 'proxysql' FROM tools")
        pool = {(row["hostgroup"], row["srv_host"], row["srv_port"]): row
                for row in console("SELECT * FROM stats_mysql_connection_pool")}
        expected = {(10 if server.is_primary else 20, server.host, server.port) for server in cluster.servers}
        assert set(pool) == expected
        assert {row["status"] for row in pool.values()} == {"ONLINE"}
        primary = pool[(10, cluster.primary.host, cluster.primary.port)]
        assert primary["Queries"] >= 3 and primary["Bytes_data_sent"] > 0
        (digest,) = console("SELECT * FROM stats_mysql_query_digest WHERE digest_text LIKE 'UPDATE tools%WHERE%'")
        assert (digest["hostgroup"], digest["schemaname"], digest["username"]) == (10, "app", "app")
        assert digest["count_star"] == 3 and digest["sum_rows_affected"] == 3
        assert digest["min_time"] <= digest["max_time"] <= digest["sum_time"]
        assert digest["digest"].startswith("0x") and digest["first_seen"] <= digest["last_seen"]
        (read,) = console("SELECT hostgroup FROM stats_mysql_query_digest WHERE digest_text LIKE 'SELECT v, ? FROM tools%'")
        assert read["hostgroup"] == 20
        values = {row["Variable_Name"]: int(row["Variable_Value"]) for row in console("SELECT * FROM stats_mysql_global")}
        assert values["Client_Connections_connected"] == 1
        assert values["Questions"] >= 4 and values["MySQL_Thread_Workers"] >= 1
        commands = {row["Command"]: row for row in console("SELECT * FROM stats_mysql_commands_counters")}
        for row in commands.values():
            assert sum(value for name, value in row.items() if name.startswith("cnt_")) == row["Total_cnt"]
        assert commands["SELECT"]["Total_cnt"] >= 1 and commands["WRITE"]["Total_cnt"] >= 3
        (user,) = console("SELECT * FROM stats_mysql_users")
        assert (user["username"], user["frontend_connections"]) == ("app", 1)


def test_what_clients_say_when_they_begin_is_answered(console):
    for sql in BEGINNINGS:
        try:
            console(sql)
        except pymysql.MySQLError as error:
            raise AssertionError("%s: %s" % (sql, error)) from None


def test_the_catalog_lists_the_console_s_tables(console):
    listed = {row["TABLE_NAME"] for row in console("SELECT TABLE_NAME FROM information_schema.TABLES")}
    assert listed == {row["Tables_in_wye"] for row in console("SHOW TABLES")}
    columns = console("SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_NAME = 'stats_routes'")
    assert [(row["COLUMN_NAME"], row["DATA_TYPE"]) for row in columns] == [
        ("route", "text"), ("reason", "text"), ("statements", "bigint")]


def test_mysql_s_own_client_reads_the_compatibility_tables(wye, mysql_client):
    command = mysql_client.command(Endpoint("127.0.0.1", wye.admin_port), False, user="admin")
    done = subprocess.run(command + ["--batch", "-e", "SELECT hostgroup_id, status FROM runtime_mysql_servers ORDER BY 1"],
                          stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["hostgroup_id", "status", "10", "ONLINE", "20", "ONLINE", "20", "ONLINE"]


def test_mycli_is_at_home(wye):
    command = ["mycli", "--host=127.0.0.1", "--port=%d" % wye.admin_port, "--user=admin", "--password=any"]
    done = subprocess.run(command + ["-e", "SELECT hostgroup_id, status FROM mysql_servers ORDER BY 1"],
                          stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["hostgroup_id", "status", "10", "ONLINE", "20", "ONLINE", "20", "ONLINE"]
    # What it looks up in the background when somebody sits before it.
    executor = SQLExecute("wye", "admin", "any", "127.0.0.1", wye.admin_port, None, "utf8mb4", False, {}, *[None] * 5)
    completer = SQLCompleter(True)
    for refresh in CompletionRefresher.refreshers.values():
        refresh(completer, executor)
    assert {"servers", "stats_statements"} <= set(completer.dbmetadata["tables"]["wye"])
    for statement in ("status", "\\dt", "\\dt stats_servers"):
        assert list(executor.run(statement)), statement


# --- DRAIN, PAUSE, RESUME ---

def test_a_drained_replica_gets_no_reads_until_it_is_resumed(wye, cluster, console):
    one, other = cluster.replicas
    console("DRAIN '%s'" % one.address)
    try:
        row = wye.servers()[one.address]
        assert (row["takes_reads"], row["drained"], row["state"]) == (0, 1, "up")
        assert "RESUME" in row["reason"]
        before = wye.servers()
        with wye.session() as session:
            for _ in range(20):
                session.run("SELECT v FROM tools")
        after = wye.servers()
        assert after[one.address]["statements"] == before[one.address]["statements"]
        assert after[other.address]["statements"] - before[other.address]["statements"] == 20
        assert {row["status"] for row in console("SELECT * FROM mysql_servers WHERE port = %d" % one.port)} == {
            "OFFLINE_SOFT"}
    finally:
        console("RESUME '%s'" % one.address)
    assert wye.servers()[one.address]["takes_reads"] == 1
    with pytest.raises(pymysql.MySQLError, match="primary"):
        console("DRAIN '%s'" % cluster.primary.address)
    with pytest.raises(pymysql.MySQLError, match="did you mean"):
        console("DRAIN '%s'" % one.address[:-1])


def test_paused_statements_wait_and_transactions_end(wye, console):
    def queued():
        return wye.console("SELECT sum(queued) AS n FROM stats_workers")[0]["n"]

    answers = []

    def late():
        with wye.session() as session:
            answers.append(session.value("SELECT v FROM tools WHERE id = 1"))
    with wye.session() as begun:
        begun.run("BEGIN")
        begun.run("UPDATE tools SET v = 70 WHERE id = 1")
        console("PAUSE")
        try:
            thread = threading.Thread(target=late)
            thread.start()
            wait_until(queued, "the other session to wait")
            assert not answers
            begun.run("UPDATE tools SET v = 71 WHERE id = 1")
            begun.run("COMMIT")
        finally:
            console("RESUME")
        thread.join()
    assert len(answers) == 1


def test_who_waits_longer_than_queue_timeout_is_told_of_the_pause(wye, console):
    console("SET queue_timeout = '200ms'")
    with wye.session() as session:
        session.value("SELECT v FROM tools")
        console("PAUSE")
        try:
            with pytest.raises(pymysql.MySQLError, match="PAUSE"):
                session.run("SELECT v FROM tools")
        finally:
            console("RESUME")
            console("SET queue_timeout = DEFAULT")
        session.value("SELECT v FROM tools")
