#include "proxy/config/config.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/config/config_rules.h"

struct config *config_create(void)
{
	struct config *c = calloc(1, sizeof *c);
	if (!c)
		abort();
	c->references = 1;
	settings_default(&c->settings);
	return c;
}

struct config *config_ref(struct config *c)
{
	if (c)
		c->references++;
	return c;
}

void config_unref(struct config *c)
{
	if (!c || --c->references)
		return;
	if (c->users)
		OPENSSL_cleanse(c->users, c->n_users * sizeof *c->users);
	free(c->users);
	if (c->admins)
		OPENSSL_cleanse(c->admins, c->n_admins * sizeof *c->admins);
	free(c->admins);
	free(c->servers);
	for (size_t i = 0; i < c->n_rules; i++)
		config_rule_finish(&c->rules[i]);
	free(c->rules);
	rule_set_unref(c->rule_set);
	free(c);
}

/* One more element, zeroed; what moves is wiped where it was. */
static void *grown(void *array, size_t *n, size_t size)
{
	unsigned char *more = calloc(*n + 1, size);
	if (!more)
		abort();
	if (array) {
		memcpy(more, array, *n * size);
		OPENSSL_cleanse(array, *n * size);
		free(array);
	}
	++*n;
	return more;
}

struct config_server *config_add_server(struct config *c)
{
	c->servers = grown(c->servers, &c->n_servers, sizeof *c->servers);
	return &c->servers[c->n_servers - 1];
}

struct config_user *config_add_user(struct config *c)
{
	c->users = grown(c->users, &c->n_users, sizeof *c->users);
	return &c->users[c->n_users - 1];
}

struct config_admin *config_add_admin(struct config *c)
{
	c->admins = grown(c->admins, &c->n_admins, sizeof *c->admins);
	return &c->admins[c->n_admins - 1];
}

const struct config_server *config_server_at(const struct config *c, const struct endpoint *at)
{
	for (size_t i = 0; i < c->n_servers; i++)
		if (endpoint_same(&c->servers[i].option.at, at))
			return &c->servers[i];
	return NULL;
}

const struct config_user *config_user_named(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_users; i++)
		if (strcmp(c->users[i].option.name, name) == 0)
			return &c->users[i];
	return NULL;
}

const struct config_user *config_user_limited(const struct config *c, const char *name)
{
	const struct config_user *u = c && c->n_users_limited ? config_user_named(c, name) : NULL;
	return u && (*u->networks || u->max_clients) ? u : NULL;
}

void config_user_max_clients(const struct config_user *u, char text[16])
{
	snprintf(text, 16, u->max_clients ? "%u" : "", u->max_clients);
}

const struct config_admin *config_admin_named(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_admins; i++)
		if (strcmp(c->admins[i].name, name) == 0)
			return &c->admins[i];
	return NULL;
}

const char *config_source_name(enum config_source source)
{
	static const char *const names[] = {"default", "command line", "configuration"};
	return names[source];
}

const char *config_role_name(enum server_role_option role)
{
	static const char *const names[] = {"auto", "primary", "replica", "mirror"};
	return names[role];
}

const char *config_admin_role_name(enum admin_role role)
{
	static const char *const names[] = {"admin", "monitor"};
	return names[role];
}

bool config_refuse(char *error, size_t error_size, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(error, error_size, format, args);
	va_end(args);
	return false;
}

/* ---- what differs ---- */

struct line {
	char *out;
	size_t size, len;
};

static void say(struct line *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct line *l, const char *format, ...)
{
	va_list args;
	if (l->len && l->len + 3 < l->size)
		l->len += (size_t)snprintf(l->out + l->len, l->size - l->len, ", ");
	va_start(args, format);
	int n = vsnprintf(l->out + l->len, l->size - l->len, format, args);
	va_end(args);
	l->len += n > 0 ? (size_t)n : 0;
	if (l->len >= l->size)
		l->len = l->size - 1;
}

static void compare_settings(struct line *l, const struct config *before, const struct config *after)
{
	const struct setting_info *info;
	for (size_t i = 0; (info = settings_info(i)); i++) {
		char old[600], new[600];
		settings_format(&before->settings, i, old, sizeof old);
		settings_format(&after->settings, i, new, sizeof new);
		if (strcmp(old, new) != 0)
			say(l, "%s = %.64s", info->name, *new ? new : "''");
	}
}

static bool same_server(const struct config_server *a, const struct config_server *b)
{
	return a->option.role == b->option.role && a->option.weight == b->option.weight &&
	       strcmp(a->option.zone, b->option.zone) == 0 && strcmp(a->comment, b->comment) == 0;
}

static void compare_servers(struct line *l, const struct config *before, const struct config *after)
{
	char name[280];
	for (size_t i = 0; i < after->n_servers; i++) {
		const struct config_server *s = &after->servers[i], *old = config_server_at(before, &s->option.at);
		endpoint_format(&s->option.at, name, sizeof name);
		if (!old || !same_server(old, s))
			say(l, "servers %c %s (role %s, weight %u)", old ? '~' : '+', name,
			    config_role_name(s->option.role), s->option.weight);
	}
	for (size_t i = 0; i < before->n_servers; i++)
		if (!config_server_at(after, &before->servers[i].option.at)) {
			endpoint_format(&before->servers[i].option.at, name, sizeof name);
			say(l, "servers - %s", name);
		}
}

static bool same_user(const struct config_user *a, const struct config_user *b)
{
	return a->option.has_password == b->option.has_password &&
	       strcmp(a->option.password, b->option.password) == 0 && strcmp(a->comment, b->comment) == 0 &&
	       strcmp(a->consistency, b->consistency) == 0 && strcmp(a->max_lag, b->max_lag) == 0 &&
	       strcmp(a->causal_key, b->causal_key) == 0 && strcmp(a->networks, b->networks) == 0 &&
	       a->max_clients == b->max_clients;
}

static void compare_users(struct line *l, const struct config *before, const struct config *after)
{
	for (size_t i = 0; i < after->n_users; i++) {
		const struct config_user *u = &after->users[i], *old = config_user_named(before, u->option.name);
		if (!old || !same_user(old, u))
			say(l, "users %c %s", old ? '~' : '+', u->option.name);
	}
	for (size_t i = 0; i < before->n_users; i++)
		if (!config_user_named(after, before->users[i].option.name))
			say(l, "users - %s", before->users[i].option.name);
}

static bool same_admin(const struct config_admin *a, const struct config_admin *b)
{
	return a->role == b->role && strcmp(a->verifier, b->verifier) == 0 && strcmp(a->comment, b->comment) == 0;
}

static void compare_admins(struct line *l, const struct config *before, const struct config *after)
{
	for (size_t i = 0; i < after->n_admins; i++) {
		const struct config_admin *u = &after->admins[i], *old = config_admin_named(before, u->name);
		if (!old || !same_admin(old, u))
			say(l, "admins %c %s (role %s)", old ? '~' : '+', u->name, config_admin_role_name(u->role));
	}
	for (size_t i = 0; i < before->n_admins; i++)
		if (!config_admin_named(after, before->admins[i].name))
			say(l, "admins - %s", before->admins[i].name);
}

static void say_rule(void *arg, char what, const char *id)
{
	say(arg, "rules %c %s", what, id);
}

void config_describe_change(const struct config *before, const struct config *after, char *out, size_t out_size)
{
	struct line l = {out, out_size, 0};
	*out = '\0';
	compare_settings(&l, before, after);
	compare_servers(&l, before, after);
	compare_users(&l, before, after);
	compare_admins(&l, before, after);
	config_rules_compare(before, after, say_rule, &l);
}
