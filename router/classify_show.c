/* SHOW: who can answer depends on what is shown. */
#include "router/classify_family.h"

#include <string.h>
#include <strings.h>

#include "router/variables.h"

enum shown {
	SHOWN_ANYWHERE,   /* from the data dictionary: the same on all servers */
	SHOWN_SERVER,     /* of one server */
	SHOWN_CONNECTION, /* of one connection */
	SHOWN_USER_VARIABLES,
	SHOWN_WARNINGS, /* of the statement before */
	SHOWN_VARIABLES,
	SHOWN_STATUS,
	SHOWN_OF_PRIMARY, /* of a server, but any may be asked */
	SHOWN_COUNTERS,   /* likewise, and tells what it has done */
	SHOWN_TABLE,    /* names a table */
	SHOWN_STORED,   /* names a table, and tells of how this server stores it */
	SHOWN_TABLES,   /* lists tables */
	SHOWN_ACCOUNT,  /* names an account, whose @host is no variable */
	SHOWN_STATEMENT /* SHOW PARSE_TREE statement */
};

/* The words behind SHOW, by the one that tells. A second word narrows it. */
static const struct subject {
	const char *first, *second;
	enum shown shown;
} subjects[] = {
    {"WARNINGS", NULL, SHOWN_WARNINGS},
    {"ERRORS", NULL, SHOWN_WARNINGS},
    {"COUNT", NULL, SHOWN_WARNINGS},
    {"VARIABLES", NULL, SHOWN_VARIABLES},
    {"STATUS", NULL, SHOWN_STATUS},
    {"USER_VARIABLES", NULL, SHOWN_USER_VARIABLES},
    {"PROFILE", NULL, SHOWN_CONNECTION},
    {"PROFILES", NULL, SHOWN_CONNECTION},
    {"DATABASES", NULL, SHOWN_ANYWHERE},
    {"SCHEMAS", NULL, SHOWN_ANYWHERE},
    {"TABLES", NULL, SHOWN_TABLES},
    {"TABLE", "STATUS", SHOWN_TABLES},
    {"TABLE", "TYPES", SHOWN_ANYWHERE},
    {"COLUMNS", NULL, SHOWN_TABLE},
    {"FIELDS", NULL, SHOWN_TABLE},
    {"INDEX", NULL, SHOWN_STORED},
    {"INDEXES", NULL, SHOWN_STORED},
    {"KEYS", NULL, SHOWN_STORED},
    {"CREATE", "USER", SHOWN_ACCOUNT},
    {"CREATE", "TABLE", SHOWN_STORED},
    {"CREATE", "VIEW", SHOWN_TABLE},
    {"CREATE", "SEQUENCE", SHOWN_TABLE},
    {"CREATE", "EVENT", SHOWN_OF_PRIMARY}, /* replicas do not run them, and say so */
    {"CREATE", NULL, SHOWN_ANYWHERE},
    {"TRIGGERS", NULL, SHOWN_ANYWHERE},
    {"EVENTS", NULL, SHOWN_OF_PRIMARY},
    {"PROCEDURE", NULL, SHOWN_ANYWHERE},
    {"FUNCTION", NULL, SHOWN_ANYWHERE},
    {"PACKAGE", NULL, SHOWN_ANYWHERE},
    {"LIBRARY", NULL, SHOWN_ANYWHERE},
    {"CHARACTER", NULL, SHOWN_ANYWHERE},
    {"CHARSET", NULL, SHOWN_ANYWHERE},
    {"COLLATION", NULL, SHOWN_ANYWHERE},
    {"LOCALES", NULL, SHOWN_ANYWHERE},
    {"ENGINES", NULL, SHOWN_ANYWHERE},
    {"STORAGE", "ENGINES", SHOWN_ANYWHERE},
    {"PLUGINS", NULL, SHOWN_OF_PRIMARY},
    {"PRIVILEGES", NULL, SHOWN_ANYWHERE},
    {"GRANTS", NULL, SHOWN_ACCOUNT},
    {"AUTHORS", NULL, SHOWN_ANYWHERE},
    {"CONTRIBUTORS", NULL, SHOWN_ANYWHERE},
    {"USER_STATISTICS", NULL, SHOWN_COUNTERS},
    {"CLIENT_STATISTICS", NULL, SHOWN_COUNTERS},
    {"INDEX_STATISTICS", NULL, SHOWN_COUNTERS},
    {"TABLE_STATISTICS", NULL, SHOWN_COUNTERS},
    {"PARSE_TREE", NULL, SHOWN_STATEMENT},
    {"PROCESSLIST", NULL, SHOWN_SERVER},
    {"ENGINE", NULL, SHOWN_SERVER},
    {"OPEN", NULL, SHOWN_SERVER},
    {"MASTER", NULL, SHOWN_SERVER},
    {"SLAVE", NULL, SHOWN_SERVER},
    {"SLAVES", NULL, SHOWN_SERVER},
    {"REPLICA", NULL, SHOWN_SERVER},
    {"REPLICAS", NULL, SHOWN_SERVER},
    {"ALL", NULL, SHOWN_SERVER},
    {"BINARY", NULL, SHOWN_SERVER},
    {"BINLOG", NULL, SHOWN_SERVER},
    {"RELAYLOG", NULL, SHOWN_SERVER},
    {"EXPLAIN", NULL, SHOWN_SERVER},
    {"ANALYZE", NULL, SHOWN_SERVER},
};

/* Reads the words that tell what is shown; NULL when they do not. */
static const struct subject *subject_at(struct statement *s)
{
	struct view first = token_inside(current(s));
	advance(s);
	struct view second = token_inside(current(s));
	for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
		if (view_is(first, subjects[i].first) &&
		    (!subjects[i].second || view_is(second, subjects[i].second)))
			return &subjects[i];
	return NULL;
}

/* MariaDB answers it from tables of its dictionary. */
static bool is_from_tables(const struct subject *subject)
{
	static const char *const others[] = {"CREATE", "GRANTS", "PRIVILEGES", "AUTHORS", "CONTRIBUTORS", "PROFILE", "PROFILES"};
	if (!subject)
		return false;
	switch (subject->shown) {
	case SHOWN_TABLE:
	case SHOWN_STORED:
		return true;
	case SHOWN_WARNINGS:
	case SHOWN_SERVER:
	case SHOWN_STATEMENT:
		return false;
	default:
		for (size_t i = 0; i < sizeof others / sizeof *others; i++)
			if (!strcmp(subject->first, others[i]))
				return false;
		return true;
	}
}

static void decide_variables(struct statement *s, enum variable_read read)
{
	switch (read) {
	case READ_ANYWHERE:
		statement_decide_read(s);
		break;
	case READ_SERVER:
	case READ_COUNTERS:
		statement_decide(s, ROUTE_PRIMARY, REASON_SERVER_SPECIFIC, 0);
		break;
	case READ_DIFFERS:
		s->seen |= SEEN_DIFFERS;
		statement_decide_read(s);
		break;
	case READ_WARNINGS:
		s->seen |= SEEN_WARNINGS;
		statement_decide_read(s);
		break;
	case READ_LAST_INSERT_ID:
		s->seen |= SEEN_LAST_INSERT_ID;
		statement_decide_read(s);
		break;
	case READ_CONNECTION:
	case READ_STATUS:
	case READ_CONNECTION_ID:
		s->seen |= SEEN_CONNECTION;
		statement_decide_read(s);
		break;
	}
}

/* The condition of SHOW VARIABLES, when it only compares names with strings; else it may show anything. */
static bool plain_condition(const struct token *t)
{
	switch (t->kind) {
	case TOKEN_STRING:
	case '=':
	case '(':
	case ')':
	case ',':
		return true;
	case TOKEN_WORD:
	case TOKEN_QUOTED:
		return view_is(token_inside(t), "VARIABLE_NAME") || view_is(token_inside(t), "LIKE") ||
		       view_is(token_inside(t), "IN") || view_is(token_inside(t), "OR") ||
		       view_is(token_inside(t), "WHERE");
	default:
		return false;
	}
}

static void show_variables(struct statement *s)
{
	enum variable_read read = READ_ANYWHERE;
	bool any = false, plain = true;
	for (; !at_end(s); advance(s)) {
		const struct token *t = current(s);
		plain &= plain_condition(t);
		if (t->kind != TOKEN_STRING)
			continue;
		any = true;
		struct view pattern = token_inside(t);
		enum variable_read one = t->escaped ? READ_SERVER : variables_like(pattern);
		/* An escaped underscore is the usual way to write a name. */
		if (t->escaped && t->len < 64) {
			uint8_t decoded[64];
			one = variables_like((struct view){decoded, token_decode(t, s->dialect, decoded)});
		}
		if (one != READ_ANYWHERE)
			read = read == READ_ANYWHERE || read == one ? one : READ_SERVER;
	}
	decide_variables(s, any && plain ? read : READ_SERVER);
}

/* What the counters of one connection begin with; all others are their server's. */
static const char *const session_counters[] = {
    "Access_denied", "Busy_time", "Bytes_",    "Column_",     "Com_",     "Compression", "Cpu_time", "Created_tmp_",
    "Delete_scan",   "Empty_",    "Executed_", "Feature_",    "Handler_", "Last_",       "Max_execution_time_",
    "Max_statement", "Memory_",   "Opened_",   "Optimizer_",  "Queries",  "Questions",   "Rows_",    "Secondary_engine_",
    "Select_",       "Slow_",     "Sort_",     "Ssl_",        "Syncs",    "Table_open_", "Tmp_",     "Update_scan",
};

/* Whether a pattern that stands behind LIKE may match a counter of the connection, by what it begins with. */
static bool may_be_of_connection(struct view pattern)
{
	size_t n = 0;
	while (n < pattern.len && pattern.p[n] != '%' && pattern.p[n] != '\\')
		n++;
	for (size_t i = 0; i < sizeof session_counters / sizeof *session_counters; i++) {
		size_t len = strlen(session_counters[i]);
		if (!strncasecmp(session_counters[i], (const char *)pattern.p, n < len ? n : len))
			return true;
	}
	return false;
}

/* SHOW STATUS: counters of the server if it asks for nothing else by name. */
static uint32_t status_seen(struct statement *s)
{
	bool any = false, of_connection = false;
	for (; !at_end(s); advance(s)) {
		const struct token *t = current(s);
		if (!plain_condition(t)) {
			statement_scan(s, 0);
			return SEEN_CONNECTION;
		}
		if (t->kind != TOKEN_STRING)
			continue;
		any = true;
		of_connection |= may_be_of_connection(token_inside(t));
	}
	return any && !of_connection ? SEEN_SERVER : SEEN_CONNECTION;
}

static void touches(struct statement *s)
{
	/* MySQL's data dictionary is read in a transaction, MariaDB's is not. */
	if (s->dialect->flavor == FLAVOR_MYSQL)
		s->seen |= SEEN_TABLE;
	else
		s->seen &= ~SEEN_TABLE;
}

static void decide_shown(struct statement *s, enum shown shown, bool global)
{
	switch (shown) {
	case SHOWN_VARIABLES:
		show_variables(s);
		return;
	case SHOWN_STATUS:
		if (global)
			statement_scan(s, 0);
		s->seen |= (global ? SEEN_SERVER : status_seen(s)) | SEEN_COUNTERS;
		statement_decide_read(s);
		return;
	case SHOWN_SERVER:
		statement_skip(s);
		statement_decide(s, ROUTE_PRIMARY, REASON_SERVER_SPECIFIC, 0);
		return;
	case SHOWN_CONNECTION:
		statement_skip(s);
		s->seen |= SEEN_CONNECTION | SEEN_COUNTERS;
		statement_decide_read(s);
		return;
	case SHOWN_USER_VARIABLES:
		statement_skip(s);
		s->seen |= SEEN_USER_VARIABLE;
		statement_decide_read(s);
		return;
	case SHOWN_WARNINGS:
		statement_skip(s);
		s->seen |= SEEN_WARNINGS;
		s->out->diagnoses = true;
		statement_decide_read(s);
		return;
	case SHOWN_ACCOUNT:
		/* A replica gives nobody rights on the routines he creates. */
		statement_skip(s);
		s->seen |= SEEN_DIFFERS;
		break;
	case SHOWN_COUNTERS:
		statement_scan(s, 0);
		s->seen |= SEEN_DIFFERS | SEEN_COUNTERS;
		break;
	case SHOWN_OF_PRIMARY:
		statement_scan(s, 0);
		s->seen |= SEEN_DIFFERS;
		break;
	case SHOWN_STATEMENT:
		classify_statement(s);
		return;
	case SHOWN_TABLES:
		/* From 11.2 on MariaDB lists the session's temporary tables too. */
		if (s->context->temp_tables && s->dialect->flavor == FLAVOR_MARIADB)
			s->seen |= SEEN_TEMPORARY;
		statement_scan(s, 0);
		break;
	case SHOWN_STORED:
		s->seen |= SEEN_DIFFERS;
		statement_touches_table(s);
		statement_scan(s, 0);
		break;
	case SHOWN_TABLE:
		statement_touches_table(s);
		statement_scan(s, 0);
		break;
	case SHOWN_ANYWHERE:
		statement_scan(s, 0);
		break;
	}
	touches(s);
	statement_decide_read(s);
}

void classify_show(struct statement *s)
{
	bool global = accept_keyword(s, KW_GLOBAL);
	s->seen |= global ? SEEN_DIFFERS : 0;
	if (!global && !accept_keyword(s, KW_SESSION))
		accept_keyword(s, KW_LOCAL);
	accept_keyword(s, KW_EXTENDED);
	accept_keyword(s, KW_FULL);
	const struct subject *subject = subject_at(s);
	s->out->uses_tables |= is_from_tables(subject);
	bool creates = subject && !strcmp(subject->first, "CREATE");
	s->out->lists_objects |= is_from_tables(subject) && !creates;
	s->out->sets_found_rows |= subject && (is_from_tables(subject) || !strcmp(subject->first, "COUNT")) && !creates;
	if (subject) {
		decide_shown(s, subject->shown, global);
	} else {
		statement_scan(s, 0);
		statement_decide(s, ROUTE_PRIMARY, REASON_SERVER_SPECIFIC, 0);
	}
}
