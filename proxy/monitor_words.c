#include "proxy/monitor_words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MYSQL_IDENTITY                                                                                       \
	"SELECT CONCAT_WS('|', @@server_uuid, @@hostname, @@port), @@server_uuid, CURRENT_USER()"
/* MariaDB has no server_uuid: the host, the port and the directory of the data are together nobody else's. */
#define MARIADB_IDENTITY "SELECT CONCAT_WS('|', @@hostname, @@port, @@datadir), '', CURRENT_USER()"

#define DEFAULTS                                                                                             \
	"@@global.sql_mode, @@global.autocommit, @@global.wait_timeout, @@global.interactive_timeout, "      \
	"@@global.init_connect"
#define MYSQL_STATE                                                                                          \
	"SELECT @@global.read_only, @@global.super_read_only, @@global.server_id, @@global.gtid_mode LIKE "  \
	"'ON%', " DEFAULTS
#define MARIADB_STATE "SELECT @@global.read_only, 0, @@global.server_id, 1, " DEFAULTS

/* The age of the transaction that the applier works at, since it was committed on its first server. Nothing
 * being applied is 0 here: what has not arrived yet is told by other means. */
#define MYSQL_LAG                                                                                            \
	"SELECT COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, "    \
	"NOW(6))), 0)"                                                                                       \
	" FROM performance_schema.replication_applier_status_by_worker WHERE APPLYING_TRANSACTION <> ''"     \
	" AND APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP > 0"

enum family { FAMILY_MYSQL, FAMILY_MYSQL_OLD, FAMILY_MARIADB, FAMILY_MARIADB_OLD };

#define OLD_COLUMNS                                                                                          \
	"Master_Host", "Master_Port", "Slave_IO_Running", "Slave_SQL_Running", "Seconds_Behind_Master",      \
	    "Last_IO_Error", "Last_SQL_Error"

static const struct monitor_words words[] = {
    [FAMILY_MYSQL] =
        {
            .state = MYSQL_STATE,
            .identity = MYSQL_IDENTITY,
            .status = "SHOW REPLICA STATUS",
            .replicas = "SHOW REPLICAS",
            .lag = MYSQL_LAG,
            .applied = "SELECT @@global.gtid_executed",
            .position = "SELECT @@global.gtid_executed",
            .column = {"Channel_Name", "Source_Host", "Source_Port", "Replica_IO_Running",
                       "Replica_SQL_Running", "Seconds_Behind_Source", "Last_IO_Error", "Last_SQL_Error",
                       "Auto_Position", "Source_Server_Id", "Source_UUID"},
            .replica_uuid = "Replica_UUID",
            .grants = {"REPLICATION CLIENT ON *.*", "REPLICATION SLAVE ON *.*",
                       "SELECT ON performance_schema.replication_applier_status_by_worker",
                       "SELECT ON mysql.user", "SHOW_ROUTINE ON *.*", "SELECT, SHOW VIEW ON *.*"},
        },
    /* Before 8.0.22. */
    [FAMILY_MYSQL_OLD] =
        {
            .state = MYSQL_STATE,
            .identity = MYSQL_IDENTITY,
            .status = "SHOW SLAVE STATUS",
            .replicas = "SHOW SLAVE HOSTS",
            .lag = NULL,
            .applied = "SELECT @@global.gtid_executed",
            .position = "SELECT @@global.gtid_executed",
            .column = {"Channel_Name", OLD_COLUMNS, "Auto_Position", "Master_Server_Id", "Master_UUID"},
            .replica_uuid = "Slave_UUID",
            .grants = {"REPLICATION CLIENT ON *.*", "REPLICATION SLAVE ON *.*", NULL, "SELECT ON mysql.user",
                       "SELECT ON *.*", "SELECT, SHOW VIEW ON *.*"},
        },
    [FAMILY_MARIADB] =
        {
            .state = MARIADB_STATE,
            .identity = MARIADB_IDENTITY,
            .status = "SHOW ALL SLAVES STATUS",
            .replicas = "SHOW SLAVE HOSTS",
            .lag = NULL,
            /* gtid_current_pos moves by local writes too, which say nothing about the primary's. */
            .applied = "SELECT @@global.gtid_slave_pos",
            .position = "SELECT @@global.gtid_current_pos",
            .column = {"Connection_name", OLD_COLUMNS, "Using_Gtid", "Master_Server_Id", NULL},
            .grants = {"SLAVE MONITOR ON *.*", "REPLICATION MASTER ADMIN ON *.*", NULL,
                       "SELECT ON mysql.global_priv", "SELECT ON mysql.proc", "SELECT, SHOW VIEW ON *.*"},
        },
    /* Before 10.5.2 split the privileges, and 10.4 the table of accounts. */
    [FAMILY_MARIADB_OLD] =
        {
            .state = MARIADB_STATE,
            .identity = MARIADB_IDENTITY,
            .status = "SHOW ALL SLAVES STATUS",
            .replicas = "SHOW SLAVE HOSTS",
            .lag = NULL,
            .applied = "SELECT @@global.gtid_slave_pos",
            .position = "SELECT @@global.gtid_current_pos",
            .column = {"Connection_name", OLD_COLUMNS, "Using_Gtid", "Master_Server_Id", NULL},
            .grants = {"REPLICATION CLIENT ON *.*", "REPLICATION SLAVE ON *.*", NULL, "SELECT ON mysql.user",
                       "SELECT ON mysql.proc", "SELECT, SHOW VIEW ON *.*"},
        },
};

const struct monitor_words *monitor_words_of(enum flavor flavor, unsigned version)
{
	if (flavor == FLAVOR_MARIADB)
		return &words[version < 100502 ? FAMILY_MARIADB_OLD : FAMILY_MARIADB];
	return &words[version < 80022 ? FAMILY_MYSQL_OLD : FAMILY_MYSQL];
}

const char *monitor_purpose(enum duty duty)
{
	static const char *const purposes[DUTY_COUNT] = {
	    [DUTY_STATUS] = "to see whether replication runs",
	    [DUTY_REPLICAS] = "to find the replicas by itself (or name them with --server)",
	    [DUTY_LAG] = "to know the lag in microseconds",
	    [DUTY_ACCOUNTS] = "to read the accounts (or give them with --user)",
	    [DUTY_FUNCTIONS] = "to know which stored functions only read, so that replicas may call them",
	    [DUTY_VIEWS] = "to know which views write, before a replica has refused them",
	};
	return purposes[duty];
}

static void append_quoted(char *out, size_t out_size, const char *text, size_t len)
{
	size_t n = strlen(out);
	if (n + 1 < out_size)
		out[n++] = '\'';
	for (size_t i = 0; i < len && n + 2 < out_size; i++) {
		if (text[i] == '\'' || text[i] == '\\')
			out[n++] = text[i] == '\'' ? '\'' : '\\';
		out[n++] = text[i];
	}
	if (n + 1 < out_size)
		out[n++] = '\'';
	out[n] = '\0';
}

void monitor_grant(const struct monitor_words *w, enum duty duty, const char *account, char *out,
                   size_t out_size)
{
	const char *at = strrchr(account, '@');
	size_t user_len = at ? (size_t)(at - account) : strlen(account);
	const char *host = at ? at + 1 : "%";
	snprintf(out, out_size, "GRANT %s TO ", w->grants[duty] ? w->grants[duty] : "USAGE ON *.*");
	append_quoted(out, out_size, account, user_len);
	if (strlen(out) + 1 < out_size)
		strcat(out, "@");
	append_quoted(out, out_size, host, strlen(host));
}

bool monitor_parse_version(const char *text, enum flavor *flavor, unsigned *version)
{
	*flavor = strcasestr(text, "mariadb") ? FLAVOR_MARIADB : FLAVOR_MYSQL;
	/* A prefix for clients of the time before MariaDB 10, which could not read two digits. */
	if (*flavor == FLAVOR_MARIADB && strncmp(text, "5.5.5-", 6) == 0)
		text += 6;
	unsigned major, minor, patch;
	if (sscanf(text, "%3u.%3u.%3u", &major, &minor, &patch) != 3 || minor > 99 || patch > 99)
		return false;
	*version = major * 10000 + minor * 100 + patch;
	return true;
}
