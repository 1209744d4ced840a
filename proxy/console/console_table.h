/*
 * The virtual tables of the console: one row of a table here is everything about each.
 *
 * A producer may run on the control thread or on the HTTP thread; it reads snapshots and counters, which any thread
 * may, and hands what only the control thread may do to control_call().
 */
#ifndef WYE_PROXY_CONSOLE_TABLE_H
#define WYE_PROXY_CONSOLE_TABLE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "proxy/console/console_rows.h"
#include "proxy/options.h"

enum column_type { COLUMN_INTEGER, COLUMN_REAL, COLUMN_TEXT };

struct table_column {
	const char *name;
	enum column_type type;
	const char *help;
};

struct console_table {
	const char *name;
	const char *help;
	const struct table_column *columns;
	size_t n_columns;
	void (*produce)(struct table_rows *rows); /* one value a column, row after row */
	bool hidden;				  /* for clients' own questions: not in SHOW TABLES */
};

#define TABLE_COLUMNS_MAX 24

/* A column that an UPDATE does not name. */
extern const char TABLE_SAME[];

/* How rows are written, within a change of the configuration: values as texts in the order of the columns, NULL for what
 * was not given or is NULL. The first column is the row's name; `old` is that before, NULL for a new row. */
struct table_writing {
	bool (*put)(sqlite3 *db, const char *old, const char *const *columns, bool replace, char *error,
		    size_t error_size);
	bool (*drop)(sqlite3 *db, const char *old, char *error, size_t error_size);
};

/* NULL: nothing can be written into it. */
const struct table_writing *console_writing_of(const struct console_table *table);

/* Index from 0, NULL past the last. */
const struct console_table *console_table_at(size_t index);
const struct console_table *console_table_by_name(const char *name); /* any case */
/* The visible table that was probably meant, or NULL; likewise a column of any table. */
const char *console_table_nearest(const char *name);
const char *console_column_nearest(const char *name);
const char *column_type_name(enum column_type type); /* as sqlite and MySQL both understand it */

#define COLUMNS(array) (array), sizeof(array) / sizeof *(array)

/* The families: console_tables_NOUN.c each. */
extern const struct console_table table_stats_servers, table_stats_pools, table_servers;
extern const struct console_table table_stats_routes, table_stats_workers, table_stats_pins,
	table_stats_learned;
extern const struct console_table table_stats_sessions, table_processlist;
extern const struct console_table table_stats_statements, table_stats_latency, table_stats_errors;
extern const struct console_table table_stats_events, table_stats_checks, table_stats_changes;
extern const struct console_table table_stats_memory, table_stats_logs;
extern const struct console_table table_settings, table_users, table_admins;
extern const struct console_table table_rules, table_stats_rules;
extern const struct table_writing rules_writing;
extern const struct console_table table_variables, table_status;
extern const struct console_table table_latency;
extern const struct console_table table_tables, table_columns, table_dual;

#endif
