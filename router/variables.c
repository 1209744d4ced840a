#include "router/variables.h"

#include <string.h>
#include <strings.h>

#define SERVER(name)                                                                                         \
	{                                                                                                    \
		name, READ_SERVER, WRITE_CARRIED                                                             \
	}
#define CONNECTION(name)                                                                                     \
	{                                                                                                    \
		name, READ_CONNECTION, WRITE_PINS                                                            \
	}

static const struct variable variables[] = {
    /* The statement before, and its connection. */
    {"warning_count", READ_WARNINGS, WRITE_CARRIED},
    {"error_count", READ_WARNINGS, WRITE_CARRIED},
    {"last_insert_id", READ_LAST_INSERT_ID, WRITE_PINS},
    {"identity", READ_LAST_INSERT_ID, WRITE_PINS},
    {"pseudo_thread_id", READ_CONNECTION_ID, WRITE_PINS},
    CONNECTION("insert_id"),
    CONNECTION("timestamp"),
    CONNECTION("rand_seed1"),
    CONNECTION("rand_seed2"),
    CONNECTION("gtid_next"),
    CONNECTION("gtid_seq_no"),
    CONNECTION("last_gtid"),
    CONNECTION("wsrep_gtid_seq_no"),
    CONNECTION("in_transaction"),
    CONNECTION("statement_id"),
    CONNECTION("pseudo_slave_mode"),
    CONNECTION("pseudo_replica_mode"),
    CONNECTION("original_commit_timestamp"),
    CONNECTION("original_server_version"),
    CONNECTION("immediate_server_version"),
    CONNECTION("require_row_format"),
    CONNECTION("transaction_allow_batching"),
    CONNECTION("proxy_user"),
    CONNECTION("external_user"),
    CONNECTION("sql_log_bin"),
    CONNECTION("sql_log_off"),
    CONNECTION("skip_replication"),
    CONNECTION("skip_parallel_replication"),
    CONNECTION("default_master_connection"),
    CONNECTION("profiling"),
    CONNECTION("profiling_history_size"),
    CONNECTION("debug"),
    CONNECTION("debug_dbug"),
    CONNECTION("debug_sync"),
    /* No server tells its replicas: a table that is created under it is another one there. */
    {"default_storage_engine", READ_ANYWHERE, WRITE_PINS},
    {"storage_engine", READ_ANYWHERE, WRITE_PINS},
    {"gtid_domain_id", READ_ANYWHERE, WRITE_PINS},
    {"resultset_metadata", READ_ANYWHERE, WRITE_PINS},
    {"server_id", READ_SERVER, WRITE_PINS},
    /* What transactions are like. */
    {"transaction_isolation", READ_ANYWHERE, WRITE_TRANSACTION},
    {"tx_isolation", READ_ANYWHERE, WRITE_TRANSACTION},
    {"transaction_read_only", READ_ANYWHERE, WRITE_TRANSACTION},
    {"tx_read_only", READ_ANYWHERE, WRITE_TRANSACTION},
    /* What wye depends on. */
    {"session_track_system_variables", READ_ANYWHERE, WRITE_TRACKERS},
    {"session_track_state_change", READ_ANYWHERE, WRITE_TRACKERS},
    {"session_track_schema", READ_ANYWHERE, WRITE_TRACKERS},
    {"session_track_gtids", READ_ANYWHERE, WRITE_TRACKERS},
    {"session_track_transaction_info", READ_ANYWHERE, WRITE_TRACKERS},
    /* One server: who it is, where its files are. */
    SERVER("server_uuid"),
    SERVER("server_uid"),
    SERVER("server_memory"),
    SERVER("hostname"),
    SERVER("port"),
    SERVER("extra_port"),
    SERVER("admin_port"),
    SERVER("admin_address"),
    SERVER("bind_address"),
    SERVER("socket"),
    SERVER("mysqlx_port"),
    SERVER("mysqlx_socket"),
    SERVER("mysqlx_bind_address"),
    SERVER("pid_file"),
    SERVER("datadir"),
    SERVER("tmpdir"),
    SERVER("slave_load_tmpdir"),
    SERVER("replica_load_tmpdir"),
    SERVER("init_file"),
    SERVER("log_error"),
    SERVER("general_log"),
    SERVER("general_log_file"),
    SERVER("slow_query_log_file"),
    SERVER("log_slow_query_file"),
    SERVER("log_bin"),
    SERVER("log_bin_basename"),
    SERVER("log_bin_index"),
    SERVER("relay_log"),
    SERVER("relay_log_basename"),
    SERVER("relay_log_index"),
    SERVER("relay_log_info_file"),
    SERVER("report_host"),
    SERVER("report_port"),
    SERVER("report_user"),
    SERVER("report_password"),
    SERVER("innodb_data_home_dir"),
    SERVER("innodb_log_group_home_dir"),
    SERVER("innodb_undo_directory"),
    SERVER("innodb_temp_tablespaces_dir"),
    SERVER("innodb_buffer_pool_filename"),
    SERVER("aria_log_dir_path"),
    SERVER("wsrep_node_name"),
    SERVER("wsrep_node_address"),
    SERVER("wsrep_node_incoming_address"),
    SERVER("wsrep_data_home_dir"),
    SERVER("wsrep_start_position"),
    SERVER("wsrep_sst_receive_address"),
    /* One server: its part in replication. */
    SERVER("read_only"),
    SERVER("super_read_only"),
    SERVER("innodb_read_only"),
    SERVER("offline_mode"),
    SERVER("event_scheduler"),
    SERVER("skip_replica_start"),
    SERVER("skip_slave_start"),
    SERVER("gtid_executed"),
    SERVER("gtid_purged"),
    SERVER("gtid_owned"),
    SERVER("gtid_slave_pos"),
    SERVER("gtid_binlog_pos"),
    SERVER("gtid_binlog_state"),
    SERVER("gtid_current_pos"),
    SERVER("rpl_semi_sync_source_enabled"),
    SERVER("rpl_semi_sync_replica_enabled"),
    SERVER("rpl_semi_sync_master_enabled"),
    SERVER("rpl_semi_sync_slave_enabled"),
    SERVER("replicate_do_db"),
    SERVER("replicate_do_table"),
    SERVER("replicate_ignore_db"),
    SERVER("replicate_ignore_table"),
    SERVER("replicate_wild_do_table"),
    SERVER("replicate_wild_ignore_table"),
    SERVER("replicate_rewrite_db"),
    SERVER("replicate_events_marked_for_skip"),
    SERVER("sql_slave_skip_counter"),
    SERVER("sql_replica_skip_counter"),
    SERVER("group_replication_local_address"),
    SERVER("group_replication_member_weight"),
};

/* Names for the same variable. MariaDB has transaction_isolation since 11.1, MySQL 8 has lost tx_isolation.
 */
static const struct {
	enum flavor flavor;
	unsigned from, before; /* versions to which it applies */
	const char *alias, *canonical;
} aliases[] = {
    {FLAVOR_MYSQL, 0, UINT32_MAX, "tx_isolation", "transaction_isolation"},
    {FLAVOR_MYSQL, 0, UINT32_MAX, "tx_read_only", "transaction_read_only"},
    {FLAVOR_MYSQL, 80026, UINT32_MAX, "pseudo_slave_mode", "pseudo_replica_mode"},
    {FLAVOR_MARIADB, 110100, UINT32_MAX, "tx_isolation", "transaction_isolation"},
    {FLAVOR_MARIADB, 110100, UINT32_MAX, "tx_read_only", "transaction_read_only"},
    {FLAVOR_MARIADB, 0, 110100, "transaction_isolation", "tx_isolation"},
    {FLAVOR_MARIADB, 0, 110100, "transaction_read_only", "tx_read_only"},
    {FLAVOR_MARIADB, 101100, UINT32_MAX, "long_query_time", "log_slow_query_time"},
    {FLAVOR_MARIADB, 101100, UINT32_MAX, "slow_query_log", "log_slow_query"},
    {FLAVOR_MARIADB, 101100, UINT32_MAX, "min_examined_row_limit", "log_slow_min_examined_row_limit"},
    {FLAVOR_MARIADB, 0, UINT32_MAX, "storage_engine", "default_storage_engine"},
    {FLAVOR_MARIADB, 0, UINT32_MAX, "debug", "debug_dbug"},
    {FLAVOR_MYSQL, 0, UINT32_MAX, "identity", "last_insert_id"},
    {FLAVOR_MARIADB, 0, UINT32_MAX, "identity", "last_insert_id"},
};

static bool is_named(struct view v, const char *name)
{
	return v.len && strncasecmp((const char *)v.p, name, v.len) == 0 && name[v.len] == 0;
}

const struct variable *variable_find(struct view name)
{
	static const struct variable ordinary = {"", READ_ANYWHERE, WRITE_CARRIED};
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		if (is_named(name, variables[i].name))
			return &variables[i];
	return &ordinary;
}

bool variable_steers_reads(struct view name)
{
	static const char *const others[] = {"binlog",   "event_scheduler", "general_log", "gtid_",     "innodb_",
	                                     "log_",     "long_query_time", "max_connec",  "offline_m", "read_only",
	                                     "relay_",   "replica",         "rpl_",        "slave_",    "slow_",
	                                     "super_rea", "sync_",          "table_open",  "thread_"};
	static const char word[] = "innodb_ft_"; /* what a full-text search takes for a word */
	if (name.len >= sizeof word - 1 && !strncasecmp((const char *)name.p, word, sizeof word - 1))
		return true;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		size_t len = strlen(others[i]);
		if (name.len >= len && !strncasecmp((const char *)name.p, others[i], len))
			return false;
	}
	return true;
}

struct view variable_canonical(struct view name, const struct dialect *dialect)
{
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (aliases[i].flavor == dialect->flavor && dialect->version >= aliases[i].from &&
		    dialect->version < aliases[i].before && is_named(name, aliases[i].alias))
			return view_of(aliases[i].canonical);
	return (struct view){NULL, 0};
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Backtracks to the last % only, so the work is bounded by the product of the lengths. */
bool like_matches(struct view pattern, const char *text)
{
	const uint8_t *p = pattern.p, *end = pattern.p + pattern.len, *percent = NULL;
	const char *t = text, *retry = NULL;
	while (*t) {
		if (p < end && *p == '%') {
			percent = ++p;
			retry = t;
			continue;
		}
		bool escaped = p + 1 < end && *p == '\\';
		const uint8_t *want = escaped ? p + 1 : p;
		if (p < end && ((*want == '_' && !escaped) || lower(*want) == lower((uint8_t)*t))) {
			p = want + 1;
			t++;
			continue;
		}
		if (!percent)
			return false;
		p = percent;
		t = ++retry;
	}
	while (p < end && *p == '%')
		p++;
	return p == end;
}

enum variable_read variables_like(struct view pattern)
{
	enum variable_read found = READ_ANYWHERE;
	if (!pattern.len)
		return READ_SERVER;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		enum variable_read read = variables[i].read;
		if (read == READ_ANYWHERE || !like_matches(pattern, variables[i].name))
			continue;
		/* Several kinds at once are asked for by who looks at a server. */
		found = found == READ_ANYWHERE || found == read ? read : READ_SERVER;
	}
	return found;
}
