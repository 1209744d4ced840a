/* ProxySQL's tables: names, columns and words as its tools know them. */
#include "proxy/console/console_views.h"

#define HOST "CASE WHEN server LIKE '/%' THEN server ELSE rtrim(rtrim(server, '0123456789'), ':') END"
#define PORT                                                                                                           \
	"CASE WHEN server LIKE '/%' THEN 0 ELSE CAST(substr(server, length(rtrim(server, '0123456789')) + 1) AS INTEGER) END"
#define GROUP_OF_ROLE "CASE role WHEN 'primary' THEN 10 ELSE 20 END"
/* Of a row that has a server's name only. */
#define GROUP_OF_SERVER                                                                                                \
	"CASE WHEN server IS NULL THEN -1 "                                                                            \
	"WHEN server IN (SELECT server FROM stats_servers WHERE role = 'primary') THEN 10 ELSE 20 END"
#define STATUS                                                                                                         \
	"CASE WHEN drained THEN 'OFFLINE_SOFT' WHEN state = 'up' THEN 'ONLINE' ELSE 'SHUNNED' END"
#define SETTING(name) "(SELECT value FROM settings WHERE name = '" name "')"
#define UNIX(column) "CAST(strftime('%s', " column ") AS INTEGER)"

#define SERVERS                                                                                                        \
	"SELECT " GROUP_OF_ROLE " AS hostgroup_id, " HOST " AS hostname, " PORT " AS port, 0 AS gtid_port, " STATUS    \
	" AS status, weight, 0 AS compression, CAST(" SETTING("server_max_connections") " AS INTEGER) AS "             \
	"max_connections, CAST(" SETTING("max_lag") " AS INTEGER) AS max_replication_lag, "                             \
	SETTING("server_tls") " <> 'off' AS use_ssl, 0 AS max_latency_ms, reason AS comment FROM stats_servers WHERE role <> 'mirror'"

#define USERS                                                                                                          \
	"SELECT name AS username, password, 1 AS active, 0 AS use_ssl, 10 AS default_hostgroup, "                      \
	"NULL AS default_schema, 0 AS schema_locked, 1 AS transaction_persistent, 0 AS fast_forward, "                 \
	"1 AS backend, 1 AS frontend, CAST(" SETTING("max_connections") " AS INTEGER) AS max_connections, "            \
	"'' AS attributes, comment FROM users"

#define VARIABLES                                                                                                      \
	"SELECT 'wye-' || name AS variable_name, value AS variable_value FROM settings UNION ALL "                     \
	"SELECT 'mysql-' || column1, (SELECT value FROM settings WHERE name = column2) FROM (VALUES "                  \
	"('max_connections', 'max_connections'), ('server_version', 'server_version'), ('threads', 'threads'), "       \
	"('wait_timeout', 'idle_timeout'), ('connect_timeout_server', 'connect_timeout'), "                            \
	"('max_allowed_packet', 'max_packet'), ('connect_timeout_server_max', 'queue_timeout'), "                      \
	"('monitor_read_only_interval', 'monitor_interval'), ('have_compress', 'client_compression'), "                \
	"('have_ssl', 'client_tls'), ('query_digests', 'statement_statistics')) UNION ALL "                            \
	"SELECT 'admin-version', version()"

#define HOSTGROUPS "SELECT 10 AS writer_hostgroup, 20 AS reader_hostgroup, 'read_only' AS check_type, 'wye' AS comment"

/* Of the workers, of the servers, of memory. */
#define W(name, expression) "SELECT '" name "', CAST(" expression " AS TEXT) FROM workers UNION ALL "
#define S(name, expression) "SELECT '" name "', CAST(" expression " AS TEXT) FROM all_servers UNION ALL "
#define GLOBAL                                                                                                         \
	"WITH workers AS (SELECT * FROM stats_workers), all_servers AS (SELECT * FROM stats_servers) "                 \
	"SELECT 'ProxySQL_Uptime' AS Variable_Name, (SELECT Value FROM console_status WHERE Variable_name = 'Uptime') " \
	"AS Variable_Value UNION ALL "                                                                                 \
	W("Active_Transactions", "sum(pinned)")                                                                      \
	W("Client_Connections_aborted", "sum(logins_refused)")                                                         \
	W("Client_Connections_connected", "sum(clients)")                                                              \
	W("Client_Connections_created", "sum(accepted)")                                                               \
	S("Client_Connections_non_idle", "sum(in_flight)")                                                             \
	S("Server_Connections_aborted", "sum(lost + connect_failures)")                                                \
	S("Server_Connections_connected", "sum(connections_used + connections_idle)")                                  \
	S("Server_Connections_created", "sum(connects)")                                                               \
	S("Server_Connections_delayed", "0")                                                                           \
	W("Queries_frontends_bytes_recv", "sum(bytes_from_clients)")                                                   \
	W("Queries_frontends_bytes_sent", "sum(bytes_to_clients)")                                                     \
	S("Queries_backends_bytes_recv", "sum(bytes_received)")                                                        \
	S("Queries_backends_bytes_sent", "sum(bytes_sent)")                                                            \
	"SELECT 'Backend_query_time_nsec', CAST(coalesce(sum(server_us), 0) * 1000 AS TEXT) FROM stats_latency "       \
	"UNION ALL "                                                                                                   \
	W("Questions", "sum(commands)")                                                                                \
	"SELECT 'Slow_queries', '0' UNION ALL "                                                                        \
	W("Mirror_queue_length", "0")                                                                                  \
	W("MySQL_Thread_Workers", "count(*)")                                                                          \
	"SELECT 'Servers_table_version', CAST(count(*) AS TEXT) FROM stats_events WHERE kind = 'configuration' "       \
	"UNION ALL SELECT 'SQLite3_memory_bytes', CAST(bytes AS TEXT) FROM stats_memory WHERE name = 'sqlite' "        \
	"UNION ALL SELECT 'ConnPool_memory_bytes', CAST(bytes AS TEXT) FROM stats_memory WHERE name = 'heap'"

#define MEMORY                                                                                                         \
	"SELECT CASE name WHEN 'sqlite' THEN 'SQLite3_memory_bytes' WHEN 'resident' THEN 'jemalloc_resident' "         \
	"WHEN 'heap' THEN 'jemalloc_allocated' ELSE name END AS Variable_Name, CAST(bytes AS TEXT) AS Variable_Value " \
	"FROM stats_memory"

#define POOL                                                                                                           \
	"SELECT " GROUP_OF_ROLE " AS hostgroup, " HOST " AS srv_host, " PORT " AS srv_port, " STATUS " AS status, "    \
	"connections_used AS ConnUsed, connections_idle AS ConnFree, connects AS ConnOK, connect_failures AS ConnERR, " \
	"connections_used + connections_idle AS MaxConnUsed, statements AS Queries, 0 AS Queries_GTID_sync, "          \
	"bytes_sent AS Bytes_data_sent, bytes_received AS Bytes_data_recv, "                                           \
	"coalesce((SELECT sum(server_us) / sum(l.statements) FROM stats_latency l WHERE l.server = s.server), 0) AS "  \
	"Latency_us FROM stats_servers s WHERE role <> 'mirror'"

#define DIGESTS                                                                                                        \
	"SELECT " GROUP_OF_SERVER " AS hostgroup, coalesce(schema, '') AS schemaname, coalesce(user, '') AS username, " \
	"'' AS client_address, '0x' || upper(digest) AS digest, text AS digest_text, sum(statements) AS count_star, "  \
	"min(" UNIX("first_seen") ") AS first_seen, max(" UNIX("last_seen") ") AS last_seen, sum(time_us) AS sum_time, " \
	"min(min_us) AS min_time, max(max_us) AS max_time, sum(rows_affected) AS sum_rows_affected, "                  \
	"sum(rows_sent) AS sum_rows_sent FROM stats_statements GROUP BY 1, 2, 3, 5"

#define PROCESSLIST                                                                                                    \
	"SELECT worker AS ThreadID, id AS SessionID, user, schema AS db, "                                             \
	"CASE WHEN client LIKE '%:%' THEN rtrim(rtrim(client, '0123456789'), ':') ELSE client END AS cli_host, "       \
	"CASE WHEN client LIKE '%:%' THEN CAST(substr(client, length(rtrim(client, '0123456789')) + 1) AS INTEGER) "   \
	"ELSE 0 END AS cli_port, " GROUP_OF_SERVER " AS hostgroup, NULL AS l_srv_host, NULL AS l_srv_port, " HOST      \
	" AS srv_host, " PORT " AS srv_port, CASE state WHEN 'command' THEN 'Sleep' ELSE 'Query' END AS command, "     \
	"since_ms AS time_ms, pin_cause AS info, 0 AS status_flags, NULL AS extended_info FROM stats_sessions"

#define UP_TO(us) "sum(CASE WHEN to_us <= " us " THEN statements ELSE 0 END)"
#define BETWEEN(from, us) "sum(CASE WHEN to_us > " from " AND to_us <= " us " THEN statements ELSE 0 END)"
/* wye counts kinds of statements. */
#define COMMAND                                                                                                        \
	"CASE class WHEN 'read' THEN 'SELECT' WHEN 'primary-read' THEN 'SELECT_FOR_UPDATE' WHEN 'session' THEN 'SET' " \
	"ELSE upper(class) END"
#define COMMANDS                                                                                                       \
	"SELECT " COMMAND " AS Command, "                                                                              \
	"(SELECT sum(time_us) FROM stats_latency l WHERE l.class = h.class) AS Total_Time_us, "                        \
	"sum(statements) AS Total_cnt, " UP_TO("100") " AS cnt_100us, " BETWEEN("100", "500") " AS cnt_500us, "        \
	BETWEEN("500", "1000") " AS cnt_1ms, " BETWEEN("1000", "5000") " AS cnt_5ms, "                                  \
	BETWEEN("5000", "10000") " AS cnt_10ms, " BETWEEN("10000", "50000") " AS cnt_50ms, "                            \
	BETWEEN("50000", "100000") " AS cnt_100ms, " BETWEEN("100000", "500000") " AS cnt_500ms, "                      \
	BETWEEN("500000", "1000000") " AS cnt_1s, " BETWEEN("1000000", "5000000") " AS cnt_5s, "                        \
	BETWEEN("5000000", "10000000") " AS cnt_10s, sum(CASE WHEN to_us > 10000000 THEN statements ELSE 0 END) AS "    \
	"cnt_INFs FROM console_latency h GROUP BY class"

#define CLIENTS                                                                                                        \
	"SELECT user AS username, count(*) AS frontend_connections, CAST(" SETTING("max_connections")                  \
	" AS INTEGER) AS frontend_max_connections FROM stats_sessions GROUP BY user"

#define ERRORS                                                                                                         \
	"SELECT " GROUP_OF_SERVER " AS hostgroup, coalesce(" HOST ", '') AS hostname, coalesce(" PORT ", 0) AS port, " \
	"coalesce(user, '') AS username, '' AS client_address, '' AS schemaname, code AS errno, errors AS count_star, " \
	UNIX("first_seen") " AS first_seen, " UNIX("last_seen") " AS last_seen, text AS last_error FROM stats_errors"

#define POSITIONS                                                                                                      \
	"SELECT " HOST " AS hostname, " PORT " AS port, position AS gtid_executed, 0 AS events FROM stats_servers"

/* wye's rules in the words of ProxySQL's. A server that a rule names has no hostgroup of its own: that of its part is told. */
#define RULES                                                                                                          \
	"SELECT id AS rule_id, enabled AS active, user AS username, schema AS schemaname, 0 AS flagIN, client AS client_addr, " \
	"NULL AS proxy_addr, NULL AS proxy_port, CASE WHEN digest IS NULL THEN NULL ELSE '0x' || upper(digest) END AS digest, " \
	"match_digest, match_pattern, 0 AS negate_match_pattern, 'CASELESS' AS re_modifiers, NULL AS flagOUT, "        \
	"rewrite AS replace_pattern, CASE WHEN route IS NULL THEN NULL WHEN route = 'primary' THEN 10 "                \
	"WHEN route IN (SELECT server FROM stats_servers WHERE role = 'primary') THEN 10 ELSE 20 END AS "              \
	"destination_hostgroup, NULL AS cache_ttl, NULL AS cache_empty_result, NULL AS cache_timeout, NULL AS reconnect, " \
	"timeout, NULL AS retries, NULL AS delay, NULL AS next_query_flagIN, NULL AS mirror_flagOUT, "                 \
	"NULL AS mirror_hostgroup, deny AS error_msg, NULL AS OK_msg, NULL AS sticky_conn, NULL AS multiplex, "        \
	"NULL AS gtid_from_hostgroup, log, NOT coalesce(continue, 0) AS apply, '' AS attributes, comment FROM rules"

#define RULE_HITS "SELECT id AS rule_id, hits FROM stats_rules"

#define NONE(columns) "SELECT " columns " WHERE 0"
#define FAST_ROUTING                                                                                                   \
	NONE("'' AS username, '' AS schemaname, 0 AS flagIN, 0 AS destination_hostgroup, '' AS comment")
#define PREPARED                                                                                                       \
	NONE("0 AS global_stmt_id, '' AS schemaname, '' AS username, '' AS digest, 0 AS ref_count_client, "            \
	     "0 AS ref_count_server, 0 AS num_columns, 0 AS num_params, '' AS query")
#define PEERS NONE("'' AS hostname, 0 AS port, 0 AS weight, '' AS comment")
#define SCHEDULER                                                                                                      \
	NONE("0 AS id, 0 AS active, 0 AS interval_ms, '' AS filename, '' AS arg1, '' AS arg2, '' AS arg3, '' AS arg4, " \
	     "'' AS arg5, '' AS comment")

const struct console_view console_views_proxysql[] = {
	{"mysql_query_rules", RULES},
	{"runtime_mysql_query_rules", RULES},
	{"stats_mysql_query_rules", RULE_HITS},
	{"mysql_query_rules_fast_routing", FAST_ROUTING},
	{"runtime_mysql_query_rules_fast_routing", FAST_ROUTING},
	{"stats_mysql_prepared_statements_info", PREPARED},
	{"proxysql_servers", PEERS},
	{"runtime_proxysql_servers", PEERS},
	{"scheduler", SCHEDULER},
	{"runtime_scheduler", SCHEDULER},
	{"mysql_servers", SERVERS},
	{"runtime_mysql_servers", SERVERS},
	{"mysql_users", USERS},
	{"runtime_mysql_users", USERS},
	{"global_variables", VARIABLES},
	{"runtime_global_variables", VARIABLES},
	{"mysql_replication_hostgroups", HOSTGROUPS},
	{"runtime_mysql_replication_hostgroups", HOSTGROUPS},
	{"stats_mysql_global", GLOBAL},
	{"stats_memory_metrics", MEMORY},
	{"stats_mysql_connection_pool", POOL},
	{"stats_mysql_query_digest", DIGESTS},
	{"stats_mysql_processlist", PROCESSLIST},
	{"stats_mysql_commands_counters", COMMANDS},
	{"stats_mysql_users", CLIENTS},
	{"stats_mysql_errors", ERRORS},
	{"stats_mysql_gtid_executed", POSITIONS},
	{NULL, NULL},
};
