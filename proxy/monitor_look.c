#include "proxy/monitor_look.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "router/sql_mode.h"

#define SECOND_US 1000000LL

static void copy_text(char *out, size_t out_size, const char *text)
{
	snprintf(out, out_size, "%s", text ? text : "");
}

static int64_t number(const char *text, int64_t otherwise)
{
	return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

/* Runs a query of a duty: false only when the connection is lost. A refusal marks the duty and leaves *result
 * NULL. */
static bool ask(struct library_connection *c, struct look *look, const char *sql, enum duty duty,
                struct library_result **result)
{
	struct library_error error;
	*result = NULL;
	if (library_query(c, sql, result, &error)) {
		look->missing &= ~(1u << duty);
		return true;
	}
	*result = NULL;
	if (library_failure_is_final(error.failure)) {
		look->error = error;
		return false;
	}
	/* A statement this version does not know is as if it had nothing to tell; a refusal is worth a word.
	 */
	if (error.failure == LIBRARY_MISSING_GRANT)
		look->missing |= 1u << duty;
	return true;
}

bool look_identify(struct library_connection *c, struct look *look)
{
	const char *version = library_server_version(c);
	copy_text(look->version_text, sizeof look->version_text, version);
	look->is_known_kind = version && monitor_parse_version(version, &look->flavor, &look->version);
	if (!look->is_known_kind) {
		look->error.failure = LIBRARY_NOT_MYSQL;
		snprintf(look->error.text, sizeof look->error.text,
		         "it calls itself version '%s', which is neither MySQL nor MariaDB",
		         look->version_text);
		return false;
	}
	look->collation = (uint16_t)library_server_collation(c);
	library_peer(c, &look->address, &look->address_len);
	struct library_result *r;
	const struct monitor_words *w = monitor_words_of(look->flavor, look->version);
	if (!library_query(c, w->identity, &r, &look->error))
		return false;
	if (library_row(r)) {
		copy_text(look->identity, sizeof look->identity, library_value(r, 0, NULL));
		copy_text(look->uuid, sizeof look->uuid, library_value(r, 1, NULL));
		copy_text(look->account, sizeof look->account, library_value(r, 2, NULL));
	}
	library_free(r);
	return true;
}

static uint64_t hash_of(const char *text)
{
	uint64_t h = 1469598103934665603u;
	for (const char *p = text; *p; p++)
		h = (h ^ (uint8_t)*p) * 1099511628211u;
	return *text ? h : 0;
}

static void read_defaults(struct library_result *r, struct server_defaults *d)
{
	const char *init_connect = library_value(r, 8, NULL);
	copy_text(d->sql_mode, sizeof d->sql_mode, library_value(r, 4, NULL));
	d->wait_timeout = (uint32_t)number(library_value(r, 6, NULL), 0);
	d->interactive_timeout = (uint32_t)number(library_value(r, 7, NULL), 0);
	copy_text(d->init_connect, sizeof d->init_connect, init_connect);
	d->init_connect_hash = init_connect ? hash_of(init_connect) : 0;
	d->init_connect_cut = init_connect && strlen(init_connect) >= sizeof d->init_connect;
}

static bool read_state(struct library_connection *c, const struct monitor_words *w, struct look *look)
{
	struct library_result *r;
	if (!library_query(c, w->state, &r, &look->error))
		return false;
	if (library_row(r)) {
		/* From MariaDB 12 on read_only is a word; all but OFF and 0 are on. */
		const char *ro = library_value(r, 0, NULL);
		look->read_only = (ro && strcmp(ro, "0") != 0 && strcasecmp(ro, "OFF") != 0) ||
		                  number(library_value(r, 1, NULL), 0) != 0;
		look->server_id = (uint32_t)number(library_value(r, 2, NULL), 0);
		look->gtid = number(library_value(r, 3, NULL), 0) != 0;
		const char *mode = library_value(r, 4, NULL);
		look->sql_mode = mode ? sql_mode_parse(view_of(mode), look->flavor) : 0;
		look->autocommit_off = number(library_value(r, 5, NULL), 1) == 0;
		read_defaults(r, &look->defaults);
	}
	library_free(r);
	return true;
}

static enum link_state link_state_of(const char *word)
{
	if (!word || strcasecmp(word, "No") == 0)
		return LINK_STOPPED;
	return strcasecmp(word, "Yes") == 0 ? LINK_RUNNING : LINK_CONNECTING; /* Connecting, Preparing */
}

/* MySQL says 1 or 0 (Auto_Position), MariaDB a word (Using_Gtid: No, Slave_Pos, Current_Pos). */
static bool says_gtid(const char *word)
{
	return word && strcasecmp(word, "No") != 0 && strcmp(word, "0") != 0;
}

static void read_channel(struct library_result *r, const struct monitor_words *w, struct look_channel *ch)
{
	*ch = (struct look_channel){.lag_us = -1};
	copy_text(ch->source.host, sizeof ch->source.host, library_value_of(r, w->column.host));
	ch->source.port = (uint16_t)number(library_value_of(r, w->column.port), 0);
	ch->source_id = (uint32_t)number(library_value_of(r, w->column.server_id), 0);
	if (w->column.uuid)
		copy_text(ch->source_uuid, sizeof ch->source_uuid, library_value_of(r, w->column.uuid));
	ch->io = link_state_of(library_value_of(r, w->column.io));
	ch->sql = link_state_of(library_value_of(r, w->column.sql)) == LINK_RUNNING;
	int64_t behind = number(library_value_of(r, w->column.lag), -1);
	ch->lag_us = behind < 0 ? -1 : behind * SECOND_US;
	ch->gtid = says_gtid(library_value_of(r, w->column.gtid));
	const char *sql_error = library_value_of(r, w->column.sql_error);
	copy_text(ch->error, sizeof ch->error,
	          sql_error && *sql_error ? sql_error : library_value_of(r, w->column.io_error));
}

static bool read_status(struct library_connection *c, const struct monitor_words *w, struct look *look)
{
	struct library_result *r;
	if (!ask(c, look, w->status, DUTY_STATUS, &r))
		return false;
	look->status_known = r != NULL;
	if (!r)
		return true;
	look->n_channels = 0;
	look->lag_us = -1;
	while (library_row(r) && look->n_channels < LOOK_CHANNELS_MAX) {
		struct look_channel *ch = &look->channels[look->n_channels];
		read_channel(r, w, ch);
		if (!*ch->source.host)
			continue; /* a channel of Group Replication, or one that was reset: it has no source
			           */
		look->n_channels++;
		if (ch->lag_us > look->lag_us)
			look->lag_us = ch->lag_us;
	}
	library_free(r);
	return true;
}

/* The integer seconds count from the start of the statement on the primary, and overstate by its duration:
 * where the server can tell the age of the transaction it applies, that replaces them. */
static bool read_lag(struct library_connection *c, const struct monitor_words *w, struct look *look)
{
	struct library_result *r;
	if (!w->lag || !look->n_channels || look->lag_us < 0)
		return true;
	if (!ask(c, look, w->lag, DUTY_LAG, &r))
		return false;
	if (r && library_row(r)) {
		int64_t exact = number(library_value(r, 0, NULL), -1);
		/* Nothing being applied while seconds are counted: a group that is still coming in. */
		if (exact > 0 || (exact == 0 && look->lag_us <= SECOND_US))
			look->lag_us = exact;
	}
	library_free(r);
	return true;
}

static bool read_replicas(struct library_connection *c, const struct monitor_words *w, struct look *look)
{
	struct library_result *r;
	if (!ask(c, look, w->replicas, DUTY_REPLICAS, &r))
		return false;
	look->replicas_known = r != NULL;
	if (!r)
		return true;
	look->n_replicas = 0;
	while (look->n_replicas < LOOK_REPLICAS_MAX && library_row(r)) {
		struct look_replica *replica = &look->replicas[look->n_replicas++];
		memset(replica, 0, sizeof *replica);
		copy_text(replica->at.host, sizeof replica->at.host, library_value_of(r, "Host"));
		replica->at.port = (uint16_t)number(library_value_of(r, "Port"), 0);
		replica->server_id = (uint32_t)number(library_value_of(r, "Server_id"), 0);
		if (w->replica_uuid)
			copy_text(replica->uuid, sizeof replica->uuid, library_value_of(r, w->replica_uuid));
	}
	library_free(r);
	return true;
}

bool look_at_state(struct library_connection *c, struct look *look, bool with_replicas)
{
	const struct monitor_words *w = monitor_words_of(look->flavor, look->version);
	return read_state(c, w, look) && read_status(c, w, look) && read_lag(c, w, look) &&
	       (!with_replicas || read_replicas(c, w, look));
}
