/*
 * Views over the console's own tables for tools that know another's: ProxySQL's tables by their names and columns, and
 * as much of information_schema, performance_schema and mysql as clients ask for when they begin.
 *
 * A server that may be written is in hostgroup 10, a replica in 20; statements that wye has answered are in -1.
 */
#ifndef WYE_PROXY_CONSOLE_VIEWS_H
#define WYE_PROXY_CONSOLE_VIEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <sqlite3.h>

struct console_view {
	const char *name; /* "schema.table" in lower case, or a table of the console's own schema */
	const char *sql;  /* a SELECT that names its columns */
};

/* Index from 0, NULL past the last; those of ProxySQL, then those of the others. */
const struct console_view *console_view_at(size_t index);
bool console_view_is(const char *name); /* any case */

/* Makes them; false: sqlite says why. */
bool console_views_add(sqlite3 *db);

extern const struct console_view console_views_proxysql[], console_views_information[]; /* the last has no name */

#endif
