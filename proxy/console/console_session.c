#include "proxy/console/console_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/command.h"
#include "protocol/handshake.h"
#include "protocol/ok.h"
#include "protocol/packet.h"
#include "proxy/audit.h"
#include "proxy/config/config_change.h"
#include "proxy/console/console_answer.h"
#include "proxy/console/console_commands.h"
#include "proxy/console/console_login.h"
#include "proxy/console/console_sql.h"
#include "proxy/console/console_statement.h"
#include "proxy/console/console_table.h"
#include "proxy/console/console_variables.h"
#include "proxy/console/console_write.h"
#include "proxy/events.h"
#include "proxy/nonce.h"

#define COLLATION_UTF8MB4 45
#define OUT_ENOUGH (1u << 20) /* no further command is begun while this much waits to be sent */

static const uint32_t offered = CAP_LONG_PASSWORD | CAP_FOUND_ROWS | CAP_LONG_FLAG | CAP_CONNECT_WITH_DB | CAP_ODBC |
				CAP_IGNORE_SPACE | CAP_PROTOCOL_41 | CAP_INTERACTIVE | CAP_TRANSACTIONS |
				CAP_SECURE_CONNECTION | CAP_MULTI_RESULTS | CAP_PS_MULTI_RESULTS | CAP_PLUGIN_AUTH |
				CAP_PLUGIN_AUTH_LENENC | CAP_CONNECT_ATTRS | CAP_DEPRECATE_EOF;

static uint32_t offered_by(const struct console_session *s)
{
	return offered | (s->offers_tls ? CAP_SSL : 0);
}

struct console_session *console_session_create(struct console_catalog *catalog, uint32_t id, bool offers_tls)
{
	struct console_session *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	buf_init(&s->in, 2 * CONSOLE_COMMAND_MAX); /* one command, and the beginning of the next */
	buf_init(&s->out, CONSOLE_ANSWER_MAX);
	s->catalog = catalog;
	s->id = id;
	s->offers_tls = offers_tls;
	s->autocommit = true;
	nonce_make(s->nonce);
	struct greeting g = {.protocol = 10,
			     .connection_id = id,
			     .caps = offered_by(s),
			     .collation = COLLATION_UTF8MB4,
			     .status = STATUS_AUTOCOMMIT,
			     .version = CONSOLE_SERVER_VERSION,
			     .plugin = PLUGIN_NATIVE};
	memcpy(g.nonce, s->nonce, NONCE_LEN);
	uint8_t seq = 0;
	if (!greeting_write(&s->out, &seq, &g))
		abort();
	return s;
}

void console_session_destroy(struct console_session *s)
{
	if (!s)
		return;
	if (s->logged_in)
		audit_admin("admin-logout", s->id, s->user);
	console_write_abandon(s);
	console_statement_close_all(s);
	buf_finish(&s->in);
	buf_finish(&s->out);
	free(s);
}

static uint16_t status_of(const struct console_session *s)
{
	bool open = s->in_transaction || (!s->autocommit && config_change_is(s));
	return (uint16_t)((s->autocommit ? STATUS_AUTOCOMMIT : 0) | (open ? STATUS_IN_TRANS : 0));
}

static struct answer answer_begin(struct console_session *s, const struct packet *p)
{
	return (struct answer){.out = &s->out,
			       .begin = buf_len(&s->out),
			       .seq = (uint8_t)(p->seq + 1),
			       .caps = s->caps,
			       .status = status_of(s)};
}

/* Ends with what was answered. */
static void close_after(struct console_session *s)
{
	s->state = CONSOLE_CLOSING;
}

/* ---- the login ---- */

static void copy_view(char *out, size_t size, struct view v)
{
	snprintf(out, size, "%.*s", (int)(v.len < size ? v.len : size - 1), (const char *)v.p);
}

static void deny(struct console_session *s, struct answer *a, bool with_password)
{
	audit_admin("admin-refused", s->id, s->user);
	event_note(LOG_LEVEL_WARNING, "admin-refused", NULL, "a login to the console as '%.64s'", s->user);
	answer_error(a, 1045, "28000", "Access denied for user '%.64s' to wye's console (using password: %s)", s->user,
		     with_password ? "YES" : "NO");
	console_login_failed(s);
	s->denied = true;
	close_after(s);
}

/* A client of caching_sha2_password wants to hear that its answer will do before the OK. */
static void logged_in(struct console_session *s, struct answer *a, struct view answer)
{
	static const uint8_t fast_path_done[] = {3};
	enum admin_role role;
	if (console_is_guessing(&s->address)) { /* with this connection too */
		deny(s, a, answer.len > 0);
		return;
	}
	if (!console_login_check(s, answer, &role)) {
		deny(s, a, answer.len > 0);
		return;
	}
	s->monitor = role == ADMIN_ROLE_MONITOR;
	s->logged_in = true;
	audit_admin("admin-login", s->id, s->user);
	if (s->plugin == AUTH_SHA2 && answer.len > 1 && !auth_more_write(&s->out, &a->seq, fast_path_done, 1))
		close_after(s);
	answer_ok(a, "");
	s->state = CONSOLE_READY;
}

/* Clients that named a plugin of their own, or sent no answer because they expected another one in the greeting, are
 * asked again for one that they have. */
static void begin_login(struct console_session *s, struct answer *a, const struct login *l, bool renewed)
{
	copy_view(s->user, sizeof s->user, l->user);
	copy_view(s->schema, sizeof s->schema, l->schema);
	if (*s->schema && !console_schema_is(s->schema)) {
		answer_error(a, 1049, "42000",
			     "There is no database '%s'; the one of this console is '" CONSOLE_SCHEMA "'", s->schema);
		close_after(s);
		return;
	}
	enum auth_plugin named = auth_plugin_by_name(l->plugin);
	bool ours = named == AUTH_NATIVE || named == AUTH_SHA2;
	s->plugin = ours ? named : AUTH_NATIVE;
	bool understood = l->auth.len && (ours || !l->plugin.len) && !renewed;
	if (understood || !(s->caps & CAP_PLUGIN_AUTH)) {
		logged_in(s, a, l->auth);
		return;
	}
	nonce_make(s->nonce);
	if (!auth_switch_write(&s->out, &a->seq, auth_plugin_name(s->plugin), (struct view){s->nonce, NONCE_LEN}))
		close_after(s);
	s->state = CONSOLE_EXPECT_ANSWER;
}

static void on_login(struct console_session *s, const struct packet *p)
{
	struct login l;
	struct answer a = answer_begin(s, p);
	bool fine = login_parse(p->payload, offered_by(s), &l) == PACKET_OK;
	if (fine && l.ssl_request && s->offers_tls) {
		s->offers_tls = false; /* once */
		s->wants_tls = true;
		return;
	}
	if (!fine || l.ssl_request) {
		answer_error(&a, 1043, "08S01", "Bad handshake");
		close_after(s);
		return;
	}
	s->caps = a.caps = l.caps;
	begin_login(s, &a, &l, false);
}

static void on_auth_answer(struct console_session *s, const struct packet *p)
{
	struct answer a = answer_begin(s, p);
	logged_in(s, &a, p->payload);
}

/* ---- commands ---- */

/* A text of a client as a C string: sqlite and the commands end at a NUL, and so does what is executed. */
static char *text_of(struct view v)
{
	char *text = strndup((const char *)v.p, v.len);
	if (!text)
		abort();
	return text;
}

static void on_quit(struct console_session *s, struct answer *a, struct view payload)
{
	(void)a, (void)payload;
	close_after(s);
}

static void on_ping(struct console_session *s, struct answer *a, struct view payload)
{
	(void)s, (void)payload;
	answer_ok(a, "");
}

static struct view without_command(struct view payload)
{
	return (struct view){payload.p + 1, payload.len - 1};
}

static void on_init_db(struct console_session *s, struct answer *a, struct view payload)
{
	char schema[sizeof s->schema];
	copy_view(schema, sizeof schema, without_command(payload));
	console_use(s, a, schema);
}

static void on_query(struct console_session *s, struct answer *a, struct view payload)
{
	char *sql = text_of(without_command(payload));
	if (!s->check && !s->change) /* else it is run again */
		audit_console_statement(s->id, s->user, sql);
	console_command_run(s, a, sql);
	free(sql);
}

static void on_prepare(struct console_session *s, struct answer *a, struct view payload)
{
	char *sql = text_of(without_command(payload));
	console_statement_prepare(s, a, sql);
	free(sql);
}

static void on_field_list(struct console_session *s, struct answer *a, struct view payload)
{
	char *name = text_of(without_command(payload));
	const struct console_table *table = console_table_by_name(name);
	free(name);
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT * FROM \"%s\"", table ? table->name : "no such table");
	sqlite3_stmt *statement = console_catalog_prepare(s->catalog, sql);
	if (statement)
		answer_fields(a, statement);
	else
		answer_catalog_error(a, s->catalog);
	sqlite3_finalize(statement);
}

static void on_statistics(struct console_session *s, struct answer *a, struct view payload)
{
	static const char text[] = "wye " WYE_VERSION " admin console";
	(void)payload;
	if (!packet_append(&s->out, &a->seq, text, sizeof text - 1))
		close_after(s);
}

static void on_set_option(struct console_session *s, struct answer *a, struct view payload)
{
	(void)payload;
	if (!eof_write(&s->out, &a->seq, a->caps, a->status, 0))
		close_after(s);
}

static void on_long_data(struct console_session *s, struct answer *a, struct view payload)
{
	(void)a;
	console_statement_long_data(s, payload);
}

static void on_stmt_close(struct console_session *s, struct answer *a, struct view payload)
{
	(void)a;
	console_statement_close(s, payload);
}

static void reset(struct console_session *s)
{
	console_write_abandon(s);
	console_statement_close_all(s);
	s->autocommit = true;
}

static void on_reset_connection(struct console_session *s, struct answer *a, struct view payload)
{
	(void)payload;
	reset(s);
	a->status = status_of(s);
	answer_ok(a, "");
}

static void on_change_user(struct console_session *s, struct answer *a, struct view payload)
{
	struct login l;
	if (change_user_parse(payload, s->caps, &l) != PACKET_OK) {
		answer_error(a, 1043, "08S01", "Bad handshake");
		close_after(s);
		return;
	}
	reset(s);
	a->status = status_of(s);
	begin_login(s, a, &l, true);
}

static const struct {
	uint8_t command;
	void (*run)(struct console_session *s, struct answer *a, struct view payload);
} handlers[] = {
	{CMD_QUIT, on_quit},
	{CMD_INIT_DB, on_init_db},
	{CMD_QUERY, on_query},
	{CMD_FIELD_LIST, on_field_list},
	{CMD_STATISTICS, on_statistics},
	{CMD_PING, on_ping},
	{CMD_CHANGE_USER, on_change_user},
	{CMD_STMT_PREPARE, on_prepare},
	{CMD_STMT_EXECUTE, console_statement_execute},
	{CMD_STMT_SEND_LONG_DATA, on_long_data},
	{CMD_STMT_CLOSE, on_stmt_close},
	{CMD_STMT_RESET, console_statement_reset},
	{CMD_SET_OPTION, on_set_option},
	{CMD_RESET_CONNECTION, on_reset_connection},
};

static void on_command(struct console_session *s, const struct packet *p)
{
	struct answer a = answer_begin(s, p);
	if (!p->payload.len) {
		answer_error(&a, 1047, "08S01", "An empty command");
		close_after(s);
		return;
	}
	s->catalog->connection_id = s->id;
	s->catalog->user = s->user;
	s->catalog->schema = *s->schema ? s->schema : NULL;
	for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
		if (handlers[i].command == p->payload.p[0]) {
			handlers[i].run(s, &a, p->payload);
			return;
		}
	answer_error(&a, 1047, "08S01", "The console does not know %s", command_info(p->payload.p[0])->name);
}

static void run_packet(struct console_session *s, const struct packet *p)
{
	static void (*const steps[])(struct console_session *, const struct packet *) = {
		[CONSOLE_EXPECT_LOGIN] = on_login,
		[CONSOLE_EXPECT_ANSWER] = on_auth_answer,
		[CONSOLE_READY] = on_command,
	};
	steps[s->state](s, p);
}

bool console_session_feed(struct console_session *s, const void *data, size_t len)
{
	return buf_append(&s->in, data, len);
}

void console_session_run(struct console_session *s)
{
	while (s->state != CONSOLE_CLOSING && buf_len(&s->in) && buf_len(&s->out) < OUT_ENOUGH) {
		struct packet p;
		enum packet_result got = packet_next(buf_data(&s->in), buf_len(&s->in), CONSOLE_COMMAND_MAX, &p);
		if (got == PACKET_PARTIAL)
			return;
		if (got == PACKET_BAD) {
			struct answer a = answer_begin(s, &(struct packet){.seq = 0});
			answer_error(&a, 1153, "08S01", "A command of the console has at most %u bytes",
				     CONSOLE_COMMAND_MAX);
			close_after(s);
			return;
		}
		s->waits = false;
		run_packet(s, &p);
		if (s->waits)
			return;
		buf_consume(&s->in, p.size);
		if (s->wants_tls)
			return;
	}
}
