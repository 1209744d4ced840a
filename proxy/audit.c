#include "proxy/audit.h"

#include <stdatomic.h>
#include <string.h>

#include "router/classify.h"

#define TEXT_MAX 1200u

static _Atomic int now = AUDIT_OFF;

void audit_configure(enum audit level)
{
	atomic_store_explicit(&now, (int)level, memory_order_relaxed);
}

bool audit_wants(enum audit level)
{
	return atomic_load_explicit(&now, memory_order_relaxed) >= (int)level;
}

static void write_line(struct log_fields *f, const char *event, enum log_level level)
{
	log_fields_end(f, LOG_STREAM_AUDIT, level, event);
}

void audit_client(const char *event, uint32_t session, const char *user, const char *client, unsigned code)
{
	struct log_fields f;
	if (!audit_wants(AUDIT_LOGINS))
		return;
	log_fields_begin(&f);
	log_field_number(&f, "session", session);
	log_field(&f, "user", user);
	log_field(&f, "client", client);
	if (code)
		log_field_number(&f, "error", code);
	write_line(&f, event, code ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO);
}

void audit_admin(const char *event, uint32_t session, const char *user)
{
	struct log_fields f;
	if (!audit_wants(AUDIT_LOGINS))
		return;
	log_fields_begin(&f);
	log_field_number(&f, "session", session);
	log_field(&f, "user", user);
	write_line(&f, event, LOG_LEVEL_INFO);
}

/* Without literals; of what cannot be read, the first word only: what follows may be one. */
static void redact(const char *sql, char *out, size_t out_size)
{
	static struct classify_scratch scratch; /* the control thread's */
	static struct classification c;
	struct dialect dialect = {.flavor = FLAVOR_MYSQL};
	struct context context = {.pins = 0};
	scratch.text = (uint8_t *)out;
	scratch.text_capacity = out_size - 1;
	classify((struct view){(const uint8_t *)sql, strlen(sql)}, &dialect, &context, &scratch, &c);
	out[c.digest_text.len] = '\0';
	if (c.flags & CLASS_UNLEXED)
		out[strcspn(out, " ")] = '\0';
}

void audit_console_statement(uint32_t session, const char *user, const char *sql)
{
	struct log_fields f;
	char text[TEXT_MAX];
	if (!audit_wants(AUDIT_LOGINS))
		return;
	log_fields_begin(&f);
	redact(sql, text, sizeof text);
	log_field_number(&f, "session", session);
	log_field(&f, "user", user);
	log_field(&f, "statement", text);
	write_line(&f, "console-statement", LOG_LEVEL_INFO);
}

void audit_configuration(uint64_t version, const char *who, const char *what)
{
	struct log_fields f;
	if (!audit_wants(AUDIT_LOGINS))
		return;
	log_fields_begin(&f);
	log_field_number(&f, "version", version);
	log_field(&f, "user", who);
	log_field(&f, "change", what);
	write_line(&f, "configuration", LOG_LEVEL_INFO);
}
