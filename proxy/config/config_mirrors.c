/* Which servers the rules' `mirror` may name: rows of `servers`, and members of the cluster that were found. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/config/config_change.h"
#include "proxy/config/config_rules.h"
#include "proxy/nearest.h"
#include "proxy/snapshot.h"

struct names {
	char **all; /* NULL behind the last */
	size_t n;
};

static void add(struct names *names, const char *name)
{
	names->all = realloc(names->all, (names->n + 2) * sizeof *names->all);
	char *copy = strdup(name);
	if (!names->all || !copy)
		abort();
	names->all[names->n++] = copy;
	names->all[names->n] = NULL;
}

static struct names names_of(const struct config *c)
{
	struct names names = {0};
	struct snapshot *found = snapshot_get();
	struct config *in_force = config_get();
	char name[280];
	for (size_t i = 0; i < c->n_servers; i++) {
		endpoint_format(&c->servers[i].option.at, name, sizeof name);
		add(&names, name);
	}
	/* One that has a row now, and is to lose it, goes with it. */
	for (unsigned i = 0; found && i < found->n_servers; i++)
		if (!in_force || !config_server_at(in_force, &found->servers[i].at))
			add(&names, found->servers[i].name);
	config_unref(in_force);
	snapshot_unref(found);
	return names;
}

static bool is_among(const struct names *names, const char *wanted)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcasecmp(names->all[i], wanted) == 0)
			return true;
	return false;
}

static bool check(const struct names *names, const struct config_rule *rule, char *error, size_t error_size)
{
	const char *wanted = rule->texts[RULE_MIRROR];
	if (!wanted || is_among(names, wanted))
		return true;
	const char *near = names->n ? nearest_word(wanted, (const char *const *)names->all) : NULL;
	return config_refuse(error, error_size, "rules: mirror of rule %s is '%.100s', which is no server; %s%s%s",
			     rule->texts[RULE_ID], wanted, near ? "did you mean '" : "allowed: ",
			     near ? near : "a row of servers (SHOW SERVERS)", near ? "'?" : "");
}

bool config_mirrors_check(const struct config *c, char *error, size_t error_size)
{
	struct names names = {0};
	bool fine = true;
	for (size_t i = 0; fine && i < c->n_rules; i++) {
		if (c->rules[i].texts[RULE_MIRROR] && !names.all)
			names = names_of(c);
		fine = check(&names, &c->rules[i], error, error_size);
	}
	for (size_t i = 0; i < names.n; i++)
		free(names.all[i]);
	free(names.all);
	return fine;
}
