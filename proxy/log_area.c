/* The areas: which events belong to which, and the level each has. */
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "proxy/log.h"
#include "proxy/nearest.h"

#define OWN_LEVEL_NONE (-1)

static const char *const names[] = {
#define X(name, word) word,
	LOG_AREAS(X)
#undef X
	NULL};

/* Whose name begins so; the first that fits. What is not here belongs to the process. */
static const struct {
	const char *begins;
	enum log_area area;
} events[] = {
	{"server-has-room", LOG_AREA_POOLS}, {"server-full", LOG_AREA_POOLS}, {"account-full", LOG_AREA_POOLS},
	{"backend-", LOG_AREA_POOLS},	     {"server-", LOG_AREA_SERVERS},   {"replica-", LOG_AREA_SERVERS},
	{"new-primary", LOG_AREA_SERVERS},   {"primary-", LOG_AREA_SERVERS},  {"no-primary", LOG_AREA_SERVERS},
	{"rival", LOG_AREA_SERVERS},	     {"two-", LOG_AREA_SERVERS},      {"member-", LOG_AREA_SERVERS},
	{"no-gtid", LOG_AREA_SERVERS},	     {"grant-", LOG_AREA_SERVERS},    {"position-", LOG_AREA_SERVERS},
	{"heartbeat", LOG_AREA_SERVERS},     {"lag-", LOG_AREA_SERVERS},      {"drain", LOG_AREA_SERVERS},
	{"resume", LOG_AREA_SERVERS},	     {"accounts-", LOG_AREA_ACCOUNTS}, {"catalog-", LOG_AREA_ACCOUNTS},
	{"session-", LOG_AREA_SESSIONS},     {"rule", LOG_AREA_SESSIONS},     {"slow-", LOG_AREA_SESSIONS},
	{"accept-", LOG_AREA_SESSIONS},	     {"login", LOG_AREA_SESSIONS},    {"logout", LOG_AREA_SESSIONS},
	{"statement", LOG_AREA_SESSIONS},    {"admin-", LOG_AREA_CONSOLE},    {"configuration", LOG_AREA_CONSOLE},
	{"kill", LOG_AREA_CONSOLE},	     {"pause", LOG_AREA_CONSOLE},     {"console-", LOG_AREA_CONSOLE},
};

static _Atomic int base = LOG_LEVEL_INFO;
static _Atomic int most = LOG_LEVEL_INFO; /* of all areas */
static _Atomic int own[LOG_AREA_COUNT] = {OWN_LEVEL_NONE, OWN_LEVEL_NONE, OWN_LEVEL_NONE,
					  OWN_LEVEL_NONE, OWN_LEVEL_NONE, OWN_LEVEL_NONE};

const char *log_area_name(enum log_area area)
{
	return names[area];
}

enum log_area log_area_of(const char *event)
{
	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (strncmp(event, events[i].begins, strlen(events[i].begins)) == 0)
			return events[i].area;
	return LOG_AREA_PROCESS;
}

static int level_of(enum log_area area)
{
	int level = atomic_load_explicit(&own[area], memory_order_relaxed);
	return level == OWN_LEVEL_NONE ? atomic_load_explicit(&base, memory_order_relaxed) : level;
}

static void note_most(void)
{
	int highest = LOG_LEVEL_ERROR;
	for (int i = 0; i < LOG_AREA_COUNT; i++)
		if (level_of((enum log_area)i) > highest)
			highest = level_of((enum log_area)i);
	atomic_store(&most, highest);
}

void log_set_level(enum log_level level)
{
	atomic_store(&base, (int)level);
	note_most();
}

/* What no area wants costs one comparison. */
bool log_wants(enum log_level level, const char *event)
{
	return (int)level <= atomic_load_explicit(&most, memory_order_relaxed) && (int)level <= level_of(log_area_of(event));
}

static const char *word(const char *p, char *out, size_t size)
{
	size_t n = 0;
	while (*p && strchr(" \t,", *p))
		p++;
	for (; *p && !strchr(" \t,=", *p); p++)
		if (n + 1 < size)
			out[n++] = (char)tolower((unsigned char)*p);
	out[n] = '\0';
	return p;
}

static int area_by_name(const char *name)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static bool refuse(char *error, size_t error_size, const char *area, const char *level)
{
	const char *near = nearest_word(area, names);
	if (level)
		snprintf(error, error_size, "'%.40s=%.40s': allowed levels: error, warning, info, debug", area, level);
	else
		snprintf(error, error_size,
			 "there is no area '%.40s'; allowed: process, servers, accounts, sessions, pools, console%s%s%s", area,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return false;
}

bool log_set_levels(const char *text, bool check_only, char *error, size_t error_size)
{
	int levels[LOG_AREA_COUNT];
	for (int i = 0; i < LOG_AREA_COUNT; i++)
		levels[i] = OWN_LEVEL_NONE;
	char area[64], level_name[64];
	for (const char *p = word(text, area, sizeof area); *area; p = word(p, area, sizeof area)) {
		int at = area_by_name(area);
		enum log_level level;
		if (at < 0)
			return refuse(error, error_size, area, NULL);
		*level_name = '\0';
		if (*p == '=')
			p = word(p + 1, level_name, sizeof level_name);
		if (!log_level_by_name(level_name, &level))
			return refuse(error, error_size, area, level_name);
		levels[at] = (int)level;
	}
	for (int i = 0; i < LOG_AREA_COUNT && !check_only; i++)
		atomic_store(&own[i], levels[i]);
	if (!check_only)
		note_most();
	return true;
}
