/*
 * The functions that are built into the servers, by what a call of them means for the route.
 *
 * A name followed by a parenthesis that is not listed here, for that server and in that form, is a stored
 * function or a loadable one: it may write. The lists were made by calling every name on MySQL 9.7 and
 * MariaDB 10.11; those of later versions are from the manuals.
 */
#ifndef WYE_ROUTER_FUNCTIONS_H
#define WYE_ROUTER_FUNCTIONS_H

#include <stdint.h>

enum function_class {
	FUNCTION_UNKNOWN,
	FUNCTION_HARMLESS,  /* computes from its arguments, the clock, or the tables of the database */
	FUNCTION_GET_LOCK,  /* takes a named lock */
	FUNCTION_USER_LOCK, /* looks at named locks, or gives one back */
	FUNCTION_RELEASE_ALL_LOCKS, /* gives all back */
	FUNCTION_LAST_INSERT_ID,
	FUNCTION_FOUND_ROWS,     /* of the last statement that gave rows */
	FUNCTION_LAST_STATEMENT, /* ROW_COUNT */
	FUNCTION_CONNECTION_ID,
	FUNCTION_CONNECTION, /* answers for one connection */
	FUNCTION_SERVER,     /* answers for one server */
	FUNCTION_SEQUENCE,   /* takes from a sequence */
	FUNCTION_LASTVAL     /* what this connection took from a sequence last */
};

/* How the name must be written to mean the built-in one. */
enum function_form {
	FORM_NATIVE,  /* also quoted, also with a blank before the parenthesis */
	FORM_KEYWORD, /* not quoted */
	FORM_ADJACENT /* not quoted, and no blank before the parenthesis unless IGNORE_SPACE is set */
};

#define FUNCTION_NEVER UINT32_MAX

struct function_group {
	const char *names; /* in upper case, a blank between two */
	enum function_form form;
	enum function_class class;
	uint32_t mysql_since,
	    mariadb_since; /* the version from which it is there: 0 always, or FUNCTION_NEVER */
};

extern const struct function_group function_groups[];
extern const unsigned n_function_groups;

#endif
