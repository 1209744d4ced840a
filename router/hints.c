#include "router/hints.h"

#include <string.h>
#include <strings.h>

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is(struct view v, const char *word)
{
	return strlen(word) == v.len && strncasecmp((const char *)v.p, word, v.len) == 0;
}

static struct view trimmed(struct view v)
{
	while (v.len && is_blank(*v.p)) {
		v.p++;
		v.len--;
	}
	while (v.len && is_blank(v.p[v.len - 1]))
		v.len--;
	return v;
}

/* ---- values ---- */

/* 200ms, 1.5s, 3; false for anything else, and for what is longer than a year. */
static bool read_time(struct view v, uint64_t bare_unit, uint64_t *us)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}};
	uint64_t whole = 0, part = 0, scale = 1, unit = bare_unit;
	size_t i = 0;
	for (; i < v.len && v.p[i] >= '0' && v.p[i] <= '9' && i < 9; i++)
		whole = whole * 10 + (uint64_t)(v.p[i] - '0');
	if (!i)
		return false;
	if (i < v.len && v.p[i] == '.')
		for (i++; i < v.len && v.p[i] >= '0' && v.p[i] <= '9' && scale < 1000000; i++, scale *= 10)
			part = part * 10 + (uint64_t)(v.p[i] - '0');
	struct view rest = {v.p + i, v.len - i};
	if (rest.len) {
		unit = 0;
		for (size_t k = 0; k < sizeof units / sizeof *units; k++)
			if (is(rest, units[k].name))
				unit = units[k].us;
	}
	*us = whole * unit + part * unit / scale;
	return unit && *us <= 365ull * 24 * 3600000000;
}

static bool set_route(struct hints *h, struct view value)
{
	static const struct {
		const char *name;
		bool primary, replica;
	} routes[] = {{"primary", true, false}, {"master", true, false},  {"writer", true, false},
	              {"replica", false, true}, {"slave", false, true},   {"reader", false, true},
	              {"auto", false, false},   {"", false, false}};
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (is(value, routes[i].name)) {
			/* Both were asked for: the primary can serve either wish. */
			bool neither = !routes[i].primary && !routes[i].replica;
			h->primary = routes[i].primary || (h->primary && !neither);
			h->replica = routes[i].replica || (h->replica && !neither);
			return true;
		}
	return false;
}

static bool set_consistency(struct hints *h, struct view value)
{
	static const char *const levels[] = {
	    [HINT_CONSISTENCY_NONE] = "",
	    [HINT_CONSISTENCY_EVENTUAL] = "eventual",
	    [HINT_CONSISTENCY_SESSION] = "session",
	    [HINT_CONSISTENCY_GLOBAL] = "global",
	    [HINT_CONSISTENCY_PRIMARY] = "primary",
	};
	for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++)
		if (is(value, levels[i])) {
			h->consistency = (enum hint_consistency)i;
			return true;
		}
	return false;
}

/* bare_unit: of a number without one. */
static bool set_max_lag(struct hints *h, struct view value, uint64_t bare_unit)
{
	h->has_max_lag = read_time(value, bare_unit, &h->max_lag);
	return h->has_max_lag || !value.len;
}

static bool set_timeout(struct hints *h, struct view value, uint64_t bare_unit)
{
	bool understood = read_time(value, bare_unit, &h->timeout);
	if (!understood)
		h->timeout = 0;
	return understood || !value.len;
}

#define SECONDS 1000000u
#define MILLISECONDS 1000u

static bool set(struct hints *h, struct view name, struct view value)
{
	if (is(name, "route"))
		return set_route(h, value);
	if (is(name, "consistency"))
		return set_consistency(h, value);
	if (is(name, "max_lag"))
		return set_max_lag(h, value, SECONDS);
	if (is(name, "timeout"))
		return set_timeout(h, value, SECONDS);
	if (is(name, "server"))
		h->server = value;
	else if (is(name, "causal_key"))
		h->causal_key = value;
	else
		return false;
	return true;
}

bool hints_set(struct hints *h, struct view name, struct view value)
{
	bool understood = set(h, name, value);
	h->given = true;
	h->ignored += !understood;
	return understood;
}

void hints_inherit(struct hints *h, const struct hints *from)
{
	h->given |= from->given;
	if (!h->primary && !h->replica && !h->server.len) {
		h->primary = from->primary;
		h->replica = from->replica;
		h->server = from->server;
	}
	if (!h->has_max_lag) {
		h->has_max_lag = from->has_max_lag;
		h->max_lag = from->max_lag;
	}
	if (!h->consistency)
		h->consistency = from->consistency;
	if (!h->timeout)
		h->timeout = from->timeout;
	if (!h->causal_key.len)
		h->causal_key = from->causal_key;
}

/* ---- words ---- */

/* Takes `word` or `name = value` from the front; false at the end. */
static bool next_pair(struct view *rest, struct view *name, struct view *value)
{
	const uint8_t *p = rest->p, *end = p + rest->len;
	while (p < end && (is_blank(*p) || *p == ',' || *p == ';'))
		p++;
	if (p == end)
		return false;
	*name = (struct view){p, 0};
	while (p < end && !is_blank(*p) && *p != ',' && *p != ';' && *p != '=')
		p++;
	name->len = (size_t)(p - name->p);
	*value = (struct view){NULL, 0};
	const uint8_t *q = p;
	while (q < end && is_blank(*q))
		q++;
	if (q < end && *q == '=') {
		for (q++; q < end && is_blank(*q);)
			q++;
		uint8_t quote = q < end && (*q == '\'' || *q == '"') ? *q++ : 0;
		value->p = q;
		while (q < end && (quote ? *q != quote : !is_blank(*q) && *q != ',' && *q != ';'))
			q++;
		value->len = (size_t)(q - value->p);
		p = q + (quote && q < end);
	}
	*rest = (struct view){p, (size_t)(end - p)};
	return true;
}

static void read_own(struct hints *h, struct view rest)
{
	struct view name, value;
	while (next_pair(&rest, &name, &value)) {
		if (value.p)
			hints_set(h, name, value);
		else if (!is(name, "primary") && !is(name, "replica"))
			h->ignored++;
		else
			set_route(h, name);
	}
}

/* ProxySQL: hostgroup=N;max_lag_ms=N;query_timeout=N. Which number is which is the writer's choice there; those
 * that its manual and everybody's examples use are known. */
static void read_annotation(struct hints *h, struct view rest)
{
	struct view name, value;
	while (next_pair(&rest, &name, &value)) {
		bool understood = false;
		if (is(name, "hostgroup"))
			understood = set_route(h, view_of(is(value, "0") || is(value, "10")   ? "primary"
			                                  : is(value, "1") || is(value, "20") ? "replica"
			                                                                      : "unknown"));
		else if (is(name, "max_lag_ms"))
			understood = set_max_lag(h, value, MILLISECONDS);
		else if (is(name, "query_timeout"))
			understood = set_timeout(h, value, MILLISECONDS);
		h->ignored += !understood;
	}
}

/* MaxScale: route to master|slave|server NAME, max_slave_replication_lag=N. Named and stacked hints last beyond the
 * statement: they are not taken. */
static void read_maxscale(struct hints *h, struct view rest)
{
	struct view name, value;
	bool route = next_pair(&rest, &name, &value) && is(name, "route") && next_pair(&rest, &name, &value) &&
	             is(name, "to") && next_pair(&rest, &name, &value);
	if (route && is(name, "server") && next_pair(&rest, &name, &value))
		h->server = name;
	else if (route)
		h->ignored += !set_route(h, name);
	else
		h->ignored += !is(name, "max_slave_replication_lag") || !set_max_lag(h, value, SECONDS);
}

/* MyCat: db_type=master|slave. */
static void read_mycat(struct hints *h, struct view rest)
{
	struct view name, value;
	while (next_pair(&rest, &name, &value))
		h->ignored += !is(name, "db_type") || !set_route(h, value);
}

/* Vitess: ROLE=PRIMARY|REPLICA, QUERY_TIMEOUT_MS=N. */
static void read_vitess(struct hints *h, struct view rest)
{
	struct view name, value;
	while (next_pair(&rest, &name, &value))
		h->ignored += !(is(name, "ROLE")               ? set_route(h, value)
		                : is(name, "QUERY_TIMEOUT_MS") && set_timeout(h, value, MILLISECONDS));
}

static void read_server(struct hints *h, struct view rest)
{
	struct view name, value;
	rest = trimmed(rest);
	if (rest.len && *rest.p == '=') {
		rest.p++;
		rest.len--;
	}
	if (next_pair(&rest, &name, &value)) {
		bool quoted = name.len > 2 && (*name.p == '\'' || *name.p == '"');
		h->server = quoted ? (struct view){name.p + 1, name.len - 2} : name;
	}
}

/* What a comment begins with, and who reads the rest. */
static const struct {
	const char *lead;
	void (*read)(struct hints *h, struct view rest);
} leads[] = {
    {"wye:", read_own},          {";", read_annotation}, {"maxscale ", read_maxscale},
    {"#mycat:", read_mycat},     {"vt+", read_vitess},   {"force_node", read_server},
    {"to server ", read_server},
};

/* Comments that are a hint as a whole. */
static const struct {
	const char *text;
	bool primary;
} wholes[] = {
    {"master", true},          {"force_master", true},         {"to master", true},
    {"#mode=READWRITE", true}, {"ms=master", true},            {"@writer", true},
    {"NO LOAD BALANCE", true}, {"pgdog_role: primary", true},  {"SHARDINGSPHERE_HINT: WRITE_ROUTE_ONLY=true", true},
    {"slave", false},          {"force_slave", false},         {"to slave", false},
    {"#mode=READONLY", false}, {"ms=slave", false},            {"@reader", false},
    {"pgdog_role: replica", false},
};

void hints_read_comment(struct hints *h, struct view body)
{
	body = trimmed(body);
	if (!body.len)
		return;
	for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
		size_t n = strlen(leads[i].lead);
		if (body.len > n && (*body.p | 0x20) == (leads[i].lead[0] | 0x20) &&
		    strncasecmp((const char *)body.p, leads[i].lead, n) == 0) {
			h->given = true;
			leads[i].read(h, (struct view){body.p + n, body.len - n});
			return;
		}
	}
	for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++)
		if (is(body, wholes[i].text)) {
			h->given = true;
			h->primary |= wholes[i].primary;
			h->replica |= !wholes[i].primary;
			return;
		}
}
