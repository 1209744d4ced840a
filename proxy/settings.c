#include "proxy/settings.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/nearest.h"
#include "router/address.h"

#define MS 1000ull
#define SECOND (1000 * MS)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

enum kind { KIND_COUNT, KIND_BYTES, KIND_TIME, KIND_SWITCH, KIND_WORD, KIND_TEXT };

struct row {
	struct setting_info info;
	enum kind kind;
	size_t offset, size;	  /* of the field; size is a text's room */
	uint64_t min, max;	  /* of numbers */
	const char *const *words; /* of KIND_WORD: the index is the field's value */
	bool (*check)(const char *value, char *error, size_t error_size); /* of a text; or NULL */
};

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: a value is written in the largest unit that divides it. */
static const struct unit times[] = {{"d", DAY}, {"h", HOUR}, {"m", MINUTE}, {"s", SECOND},
				    {"ms", MS}, {"us", 1},   {NULL, 0}};
static const struct unit sizes[] = {{"G", GIB}, {"M", MIB}, {"K", 1024}, {"", 1}, {NULL, 0}};

static const char *const tls_words[] = {"auto", "off", "required", "verify_ca", "verify_identity", NULL};
static const char *const tls_version_words[] = {"1.2", "1.3", NULL};
static const char *const compression_words[] = {"off", "zlib", "zstd", NULL};
static const char *const consistency_words[] = {"eventual", "session", "global", "primary", NULL};
static const char *const failover_words[] = {"off", "manual", "auto", NULL};
static const char *const reads_words[] = {"fallback", "always", "never", NULL};
static const char *const balance_words[] = {"round_robin",   "weighted",    "least_connections",
					    "least_latency", "source_hash", NULL};
static const char *const format_words[] = {"text", "json", NULL};
static const char *const audit_words[] = {"off", "logins", "statements", NULL};
static const char *const level_words[] = {"error", "warning", "info", "debug", NULL};

#define FIELD(field) offsetof(struct settings, field), sizeof(((struct settings *)0)->field)
#define COUNT(field, unit, text, min, max, restart, description)                                     \
	{                                                                                            \
		{#field, unit, description, text, restart}, KIND_COUNT, FIELD(field), min, max, NULL, NULL \
	}
#define BYTES(field, text, min, max, description)                                                     \
	{                                                                                             \
		{#field, "bytes", description, text, false}, KIND_BYTES, FIELD(field), min, max, NULL, NULL \
	}
#define TIME(field, unit, text, min, max, description)                                            \
	{                                                                                         \
		{#field, unit, description, text, false}, KIND_TIME, FIELD(field), min, max, NULL, NULL \
	}
#define SWITCH(field, text, restart, description)                                                     \
	{                                                                                             \
		{#field, "on|off", description, text, restart}, KIND_SWITCH, FIELD(field), 0, 0, NULL, NULL \
	}
#define WORD(field, unit, words, text, description)                                            \
	{                                                                                      \
		{#field, unit, description, text, false}, KIND_WORD, FIELD(field), 0, 0, words, NULL \
	}
#define TEXT(field, unit, restart, description)                                               \
	{                                                                                     \
		{#field, unit, description, "", restart}, KIND_TEXT, FIELD(field), 0, 0, NULL, NULL \
	}

#define CHECKED(field, unit, check, description)                                                \
	{                                                                                       \
		{#field, unit, description, "", false}, KIND_TEXT, FIELD(field), 0, 0, NULL, check \
	}

static bool levels_are_right(const char *value, char *error, size_t error_size)
{
	return log_set_levels(value, true, error, error_size);
}

static const struct row rows[] = {
	COUNT(max_connections, "clients", "10000", 1, 1000000, false,
	      "clients connected at once; more get error 1040, unless one that has not logged in yet gives way"),
	COUNT(user_max_clients, "clients", "0", 0, 1000000, false,
	      "clients of one account at once; more get error 1203; 0 = any number"),
	BYTES(max_packet, "1G", MIB, GIB, "largest command of a client; a larger one gets error 1153"),
	TIME(login_timeout, "s", "10s", 100 * MS, HOUR, "from a client's connect to the end of its login"),
	COUNT(login_failures_max, "logins", "500", 0, 65535, false,
	      "wrong passwords that one address may give in login_failures_time, here and at the console; more of its logins"
	      " get error 1129 until that is over; 0 = any number"),
	TIME(login_failures_time, "s", "1m", SECOND, DAY, "how long wrong passwords of an address are counted from the first on"),
	CHECKED(proxy_protocol_networks, "range, ...", address_list_check,
		"proxies that may say whose connection it is: a PROXY header, version 1 or 2, is believed from these addresses,"
		" as in 10.0.0.0/8, unix; clients without one are served as always, one from elsewhere gets error 1130"),
	TIME(idle_timeout, "s", "8h", 0, 365 * DAY,
	     "how long a client may be silent outside a transaction; 0 = for ever"),
	SWITCH(client_tls, "on", true, "offer TLS to clients"),
	SWITCH(client_compression, "on", false, "offer compression to clients, zlib and Zstandard"),
	TEXT(tls_cert, "file", false,
	     "certificate shown to clients, PEM, with its chain; empty = a self-signed one made at start. This and the other"
	     " files for TLS are read again by RELOAD TLS and SIGHUP"),
	TEXT(tls_key, "file", false, "its private key, PEM; empty = it is in the same file"),
	TEXT(tls_ca, "file", false,
	     "certificates that those of clients are verified with, PEM; REQUIRE X509 of an account needs it; empty = clients"
	     " are asked for none"),
	WORD(tls_min_version, "1.2|1.3", tls_version_words, "1.2", "least version of TLS, towards clients and servers"),
	SWITCH(require_tls, "off", false,
	       "clients over TCP must use TLS, others get error 3159; for single accounts, REQUIRE SSL on the servers"),
	TEXT(server_version, "text", false, "version that clients are told; empty = the primary's own"),

	COUNT(server_max_connections, "connections", "500", 1, 100000, false,
	      "connections to one server, of all threads together"),
	COUNT(user_max_connections, "connections", "0", 0, 100000, false,
	      "connections to one server in one account's name; 0 = any number"),
	COUNT(pool_min_idle, "connections", "1", 0, 1000, false,
	      "connections kept open for each server, account and thread that used one within pool_max_age"),
	COUNT(pipeline_depth, "statements", "32", 0, 32, false,
	      "short reads of several sessions that are written one behind the other on one connection; 0 or 1 = each has"
	      " one to itself"),
	COUNT(pipeline_after, "connections", "4", 1, 100000, false,
	      "connections of a thread to a server, in one account's name, that are busy before any is shared so"),
	TIME(coalesce, "us", "400us", 0, 10 * MS,
	     "how long a busy thread may let packets gather before it looks for them, and never longer than a sixteenth of"
	     " what quick statements take then; 0 = it looks at once"),
	SWITCH(admission, "off", false,
	       "let in as many short reads at once as a server runs well; the others wait in wye for the fraction of a"
	       " millisecond that it takes"),
	COUNT(mirror_queue, "statements", "1000", 0, 1000000, false,
	      "copies of statements that wait for one server that rules mirror to; more are dropped and counted"),
	COUNT(mirror_connections, "connections", "2", 1, 1000, false,
	      "connections of a thread to such a server, in one account's name"),
	TIME(mirror_timeout, "s", "10s", 100 * MS, HOUR,
	     "how long a copy may wait for a connection, and how long it may run"),
	TIME(pool_idle_timeout, "s", "1m", SECOND, DAY, "how long an unused connection to a server is kept"),
	TIME(pool_max_age, "s", "1h", SECOND, 365 * DAY, "age at which an idle connection to a server is replaced"),
	COUNT(server_statements, "statements", "200", 1, 65535, false,
	      "prepared statements kept on one connection to a server; the least recently used is closed beyond"),
	TIME(connect_timeout, "s", "5s", 10 * MS, 10 * MINUTE, "for connect and login to a server"),
	TIME(queue_timeout, "s", "10s", 0, HOUR, "how long a statement waits for a connection or a server"),
	TIME(failover_timeout, "s", "10s", 0, HOUR,
	     "how long a statement that only the primary can run waits while there is none, or none that can be reached"),
	BYTES(transaction_replay_max_bytes, "1M", 0, GIB,
	      "statements of an open transaction that are kept, so that it can be run again on another primary; a larger one"
	      " is rolled back when its server dies; 0 = none are kept"),
	BYTES(hold_max_bytes, "64M", 0, GIB * 1024,
	      "commands that wait for a primary, all together; those beyond get the error at once; 0 = any number"),
	COUNT(queue_max, "sessions", "0", 0, 1000000, false,
	      "sessions that may wait for one server; more get error 1040; 0 = any number"),
	WORD(server_tls, "auto|off|required|verify_ca|verify_identity", tls_words, "auto",
	     "TLS to servers; auto = where the server offers it and the way is not local"),
	WORD(server_compression, "off|zlib|zstd", compression_words, "off",
	     "compression towards servers that offer it; pays over slow networks only"),
	TEXT(server_ca, "file", false, "certificates that servers are verified with, PEM; empty = the system's"),
	TEXT(server_cert, "file", false, "certificate that wye shows to servers, PEM; empty = none"),
	TEXT(server_key, "file", false, "its private key, PEM; empty = it is in the same file"),

	SWITCH(connection_affinity, "on", false,
	       "a session gets its last connection back if it is still free; off = another one at every statement,"
	       " for testing and for even spreading"),

	TIME(max_lag, "s", "10s", 10 * MS, 365 * DAY, "a replica further behind serves no reads"),
	WORD(consistency, "eventual|session|global|primary", consistency_words, "session",
	     "what a read must have seen; session = everything this session wrote or read before"),
	WORD(reads_on_primary, "fallback|always|never", reads_words, "fallback",
	     "reads on the primary: only when no replica can, as one of many, or not at all"),
	COUNT(primary_reads_max, "statements", "100", 0, 1000000, false,
	      "reads on the primary at once that belong on a replica; more wait until one can serve them or the primary"
	      " has done others, at most half of queue_timeout; 0 = any number"),
	WORD(balance, "round_robin|weighted|least_connections|least_latency|source_hash", balance_words, "round_robin",
	     "how reads are spread over the replicas that may serve them; weights count with all of them"),
	TEXT(zone, "name", false,
	     "where this wye is: reads run on replicas of this zone while one can serve; empty = on all alike"),
	TIME(slow_start, "s", "10s", 0, HOUR,
	     "time in which a replica that returns comes to its full share of reads; 0 = at once"),
	TIME(causal_timeout, "ms", "100ms", 0, MINUTE,
	     "how long a read waits on a replica for what it must see, before it runs on the primary; it is sent to "
	     "wait where half of this is expected to do, or did within the last seconds; 0 = it never waits"),
	TIME(observe_timeout, "s", "1m", 0, DAY,
	     "how long reads of an account that has changed a global variable, or of a session that looked at a server's "
	     "counters, go to the primary, where that is seen; 0 = not at all"),
	TIME(learned_timeout, "s", "10m", 0, 365 * DAY,
	     "how long a statement that a replica refused goes to the primary at once"),

	TIME(monitor_interval, "ms", "500ms", 10 * MS, MINUTE, "between looks at a server's state"),
	TIME(position_interval, "ms", "50ms", MS, MINUTE,
	     "between looks at a server's applied position; each costs it about 30 us"),
	TIME(position_interval_busy, "ms", "2ms", MS, MINUTE,
	     "the same while a session lacks a position: 2ms are about 2 % of a core of each server and of wye"),
	SWITCH(position_stream, "off", false,
	       "follow the binary logs of the replicas, to know at once what they have applied; all that they apply is sent"
	       " to wye, and the monitor account needs REPLICATION SLAVE (MariaDB: BINLOG MONITOR as well)"),
	TEXT(heartbeat_table, "schema.table", false,
	     "a table (id CHAR(36) PRIMARY KEY, beat BIGINT NOT NULL) that wye writes a row of every monitor_interval, to"
	     " measure lag where positions cannot; empty = none"),
	TIME(accounts_interval, "s", "10s", 100 * MS, DAY, "between looks at the primary's accounts"),
	TIME(catalog_interval, "s", "1m", 100 * MS, DAY, "between looks at the primary's stored functions and views"),

	WORD(failover, "off|manual|auto", failover_words, "manual",
	     "who may change the topology: nobody; SWITCHOVER, FAILOVER and REJOIN on the console; or wye itself too, when the"
	     " primary is gone, or was started again"),
	TIME(failover_delay, "ms", "500ms", 0, HOUR,
	     "failover=auto: how long the primary must not have answered before its replicas are asked whether they have lost it"
	     " as well"),
	TIME(switchover_timeout, "s", "5s", 100 * MS, HOUR,
	     "a change of the primary: how long running transactions may take to end before their connections are killed, and how"
	     " long the new one may take to catch up"),
	TEXT(replication_user, "name", false,
	     "account that an old primary replicates with when it becomes a replica; empty = the monitor account"),
	TEXT(replication_password_file, "file", false, "its password, the first line of the file"),
	TEXT(cluster_name, "name", false,
	     "wyes of one name before one cluster agree, by a lock on a majority of its servers, who changes it; as long as 32"
	     " characters"),
	SWITCH(statement_statistics, "on", false,
	       "count statements by digest, with their times (stats_statements, stats_latency); costs about 0.2 us each"),
	COUNT(statement_digests, "rows", "1000", 10, 100000, true,
	      "rows of stats_statements that each thread keeps, about 5 KiB each once used; the least used are folded into"
	      " one row of a server"),
	SWITCH(proxysql_metrics, "off", false,
	       "/metrics has the most used names of ProxySQL's endpoint as well, for dashboards that know those"),

	COUNT(threads, "threads", "0", 0, 64, true, "worker threads; 0 = the machine's cores"),
	TIME(drain_timeout, "s", "30s", 0, DAY, "how long SIGTERM waits for running transactions"),
	TIME(upgrade_timeout, "s", "1h", 0, DAY,
	     "how long, after SIGUSR2, the old process stays for sessions that cannot be handed over (docs/upgrade.md)"),

	WORD(log_level, "error|warning|info|debug", level_words, "info", "least level that is logged"),
	CHECKED(log_levels, "area=level, ...", levels_are_right,
		"areas with a level of their own: process, servers, accounts, sessions, pools, console; as in"
		" sessions=debug, servers=warning"),
	WORD(log_format, "text|json", format_words, "text", "how the logs are written: a line, or a JSON object, an event"),
	COUNT(log_rate, "lines/s", "100", 0, 1000000, false,
	      "lines of one event that the log takes in a second; how many more there were is one line; 0 = any number"),
	TEXT(log_file, "file", true, "where the log goes; empty = standard error"),
	TIME(slow_log_time, "ms", "0", 0, DAY,
	     "statements that took as long or longer are logged, with where their time went; needs statement_statistics;"
	     " 0 = none"),
	TEXT(slow_log_file, "file", true, "where they are logged; empty = the log"),
	WORD(audit, "off|logins|statements", audit_words, "off",
	     "logins, logouts, refused logins, console statements and configuration changes are logged; statements: each"
	     " of the clients' as well"),
	TEXT(audit_file, "file", true, "where they are logged; empty = the log"),
	SWITCH(log_literals, "off", false,
	       "statements in the slow log and the audit keep their literals, save those that may hold a password"),
};

#define N_ROWS (sizeof rows / sizeof *rows)
static_assert(N_ROWS <= SETTINGS_MAX, "SETTINGS_MAX is too small");

static void *field_of(struct settings *s, const struct row *row)
{
	return (char *)s + row->offset;
}

static const void *field_in(const struct settings *s, const struct row *row)
{
	return (const char *)s + row->offset;
}

static const char *name_at(const void *unused, size_t index)
{
	(void)unused;
	return index < N_ROWS ? rows[index].info.name : NULL;
}

static const struct row *row_by_name(const char *name)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (strcasecmp(name, rows[i].info.name) == 0)
			return &rows[i];
	return NULL;
}

static const struct unit *units_of(const struct row *row)
{
	static const struct unit plain[] = {{"", 1}, {NULL, 0}};
	return row->kind == KIND_TIME ? times : row->kind == KIND_BYTES ? sizes : plain;
}

static void format_number(const struct row *row, uint64_t value, char *out, size_t out_size)
{
	const struct unit *unit = units_of(row);
	while (value && unit[1].name && value % unit->factor)
		unit++;
	if (value)
		snprintf(out, out_size, "%" PRIu64 "%s", value / unit->factor, unit->name);
	else
		snprintf(out, out_size, "0");
}

/* False when the word is no unit of the row; an empty one is the unit the row names. */
static bool factor_of(const struct row *row, const char *word, uint64_t *factor)
{
	if (!*word)
		word = row->kind == KIND_TIME ? row->info.unit : "";
	if (row->kind == KIND_BYTES && *word && word[1] && strcasecmp(word + 1, "b") != 0 &&
	    strcasecmp(word + 1, "ib") != 0)
		return false;
	for (const struct unit *unit = units_of(row); unit->name; unit++)
		if (row->kind == KIND_BYTES ? tolower((unsigned char)*word) == tolower((unsigned char)*unit->name)
					    : strcasecmp(word, unit->name) == 0) {
			*factor = unit->factor;
			return true;
		}
	return false;
}

static bool refuse(char *error, size_t error_size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool refuse(char *error, size_t error_size, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(error, error_size, format, args);
	va_end(args);
	return false;
}

static bool set_number(struct settings *s, const struct row *row, const char *value, char *error, size_t error_size)
{
	static const char *const what[] = {[KIND_COUNT] = "number", [KIND_BYTES] = "size", [KIND_TIME] = "time"};
	char min[32], max[32], *end = NULL;
	uint64_t factor = 1;
	format_number(row, row->min, min, sizeof min);
	format_number(row, row->max, max, sizeof max);
	double number =
		isdigit((unsigned char)*value) && !strchr("xX", value[1] ? value[1] : '0') ? strtod(value, &end) : -1;
	if (number < 0 || !factor_of(row, end, &factor))
		return refuse(error, error_size, "%s: '%.64s' is not a %s; allowed: %s to %s, for example %s",
			      row->info.name, value, what[row->kind], min, max, row->info.default_text);
	number *= (double)factor;
	if (number < (double)row->min || number > (double)row->max)
		return refuse(error, error_size, "%s: '%.64s' is out of range; allowed: %s to %s", row->info.name,
			      value, min, max);
	*(uint64_t *)field_of(s, row) = (uint64_t)(number + 0.5);
	return true;
}

static bool set_switch(struct settings *s, const struct row *row, const char *value, char *error, size_t error_size)
{
	static const char *const words[] = {"off", "on", "0", "1", "false", "true", "no", "yes", NULL};
	for (size_t i = 0; words[i]; i++)
		if (strcasecmp(value, words[i]) == 0) {
			*(bool *)field_of(s, row) = i & 1;
			return true;
		}
	return refuse(error, error_size, "%s: '%.64s' is not allowed; allowed: on, off", row->info.name, value);
}

/* Enumerations are read and written as the int that they are for every compiler we use. */
static bool set_word(struct settings *s, const struct row *row, const char *value, char *error, size_t error_size)
{
	assert(row->size == sizeof(int));
	for (int i = 0; row->words[i]; i++)
		if (strcasecmp(value, row->words[i]) == 0) {
			*(int *)field_of(s, row) = i;
			return true;
		}
	const char *near = nearest_word(value, row->words);
	return refuse(error, error_size, "%s: '%.64s' is not allowed; allowed: %s%s%s%s", row->info.name, value,
		      row->info.unit, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bool set_text(struct settings *s, const struct row *row, const char *value, char *error, size_t error_size)
{
	size_t len = strlen(value);
	if (len >= row->size)
		return refuse(error, error_size, "%s: the value has %zu bytes; allowed: at most %zu", row->info.name,
			      len, row->size - 1);
	char why[256];
	if (row->check && !row->check(value, why, sizeof why))
		return refuse(error, error_size, "%s: %s", row->info.name, why);
	memcpy(field_of(s, row), value, len + 1);
	return true;
}

bool settings_set(struct settings *s, const char *name, const char *value, char *error, size_t error_size)
{
	static bool (*const setters[])(struct settings *, const struct row *, const char *, char *, size_t) = {
		[KIND_COUNT] = set_number,  [KIND_BYTES] = set_number, [KIND_TIME] = set_number,
		[KIND_SWITCH] = set_switch, [KIND_WORD] = set_word,    [KIND_TEXT] = set_text,
	};
	const struct row *row = row_by_name(name);
	if (row)
		return setters[row->kind](s, row, value, error, error_size);
	const char *near = nearest_name(name, name_at, NULL);
	if (near)
		return refuse(error, error_size, "there is no setting '%.64s'; did you mean '%s'?", name, near);
	return refuse(error, error_size, "there is no setting '%.64s'; `wye help settings` lists them", name);
}

void settings_default(struct settings *s)
{
	memset(s, 0, sizeof *s);
	for (size_t i = 0; i < N_ROWS; i++) {
		char error[256] = "";
		bool fine = settings_set(s, rows[i].info.name, rows[i].info.default_text, error, sizeof error);
		assert(fine);
		(void)fine;
	}
}

const struct setting_info *settings_info(size_t index)
{
	return index < N_ROWS ? &rows[index].info : NULL;
}

void settings_allowed(size_t index, char *out, size_t out_size)
{
	assert(index < N_ROWS);
	const struct row *row = &rows[index];
	char min[32], max[32];
	switch (row->kind) {
	case KIND_COUNT:
	case KIND_BYTES:
	case KIND_TIME:
		format_number(row, row->min, min, sizeof min);
		format_number(row, row->max, max, sizeof max);
		snprintf(out, out_size, "%s to %s%s%s", min, max, row->kind == KIND_COUNT ? " " : "",
			 row->kind == KIND_COUNT ? row->info.unit : "");
		return;
	case KIND_SWITCH:
	case KIND_WORD:
	case KIND_TEXT:
		snprintf(out, out_size, "%s", row->info.unit);
		return;
	}
}

int settings_index(const char *name)
{
	const struct row *row = row_by_name(name);
	return row ? (int)(row - rows) : -1;
}

void settings_format(const struct settings *s, size_t index, char *out, size_t out_size)
{
	assert(index < N_ROWS);
	const struct row *row = &rows[index];
	const void *field = field_in(s, row);
	switch (row->kind) {
	case KIND_COUNT:
	case KIND_BYTES:
	case KIND_TIME:
		format_number(row, *(const uint64_t *)field, out, out_size);
		return;
	case KIND_SWITCH:
		snprintf(out, out_size, "%s", *(const bool *)field ? "on" : "off");
		return;
	case KIND_WORD:
		snprintf(out, out_size, "%s", row->words[*(const int *)field]);
		return;
	case KIND_TEXT:
		snprintf(out, out_size, "%s", (const char *)field);
		return;
	}
}
