#include "router/relations.h"

#include <strings.h>

/* Names may end in '%': all that begin so. The first that matches counts. */
static const struct {
	enum keyword schema;
	const char *name;
	enum variable_read read;
} relations[] = {
    {KW_INFORMATION_SCHEMA, "processlist", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "global\\_status", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "global\\_%", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "system\\_variables", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "innodb\\_metrics", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "innodb\\_cmp%", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "innodb\\_buffer\\_%", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "innodb\\_%", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "thread\\_pool\\_%", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "wsrep\\_%", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "metadata\\_lock\\_info", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "query\\_%", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "key\\_caches", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "files", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "slave\\_status", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "replica%\\_%", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "disks", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "plugins", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "events", READ_DIFFERS},
    {KW_INFORMATION_SCHEMA, "all\\_plugins", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "user\\_statistics", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "client\\_statistics", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "index\\_statistics", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "table\\_statistics", READ_COUNTERS},
    {KW_INFORMATION_SCHEMA, "feedback", READ_SERVER},
    {KW_INFORMATION_SCHEMA, "session\\_status", READ_STATUS},
    {KW_INFORMATION_SCHEMA, "session\\_%", READ_CONNECTION},
    {KW_INFORMATION_SCHEMA, "profiling", READ_STATUS},
    {KW_INFORMATION_SCHEMA, "optimizer\\_trace", READ_CONNECTION},
    {KW_INFORMATION_SCHEMA, "user\\_variables", READ_CONNECTION},
    {KW_PERFORMANCE_SCHEMA, "session\\_status", READ_STATUS},
    {KW_PERFORMANCE_SCHEMA, "session\\_%", READ_CONNECTION},
    {KW_PERFORMANCE_SCHEMA, "user\\_variables\\_by\\_thread", READ_CONNECTION},
    {KW_PERFORMANCE_SCHEMA, "global\\_variables", READ_SERVER},
    {KW_PERFORMANCE_SCHEMA, "variables\\_%", READ_SERVER},
    {KW_PERFORMANCE_SCHEMA, "persisted\\_variables", READ_SERVER},
    {KW_PERFORMANCE_SCHEMA, "replication\\_%", READ_SERVER},
    {KW_PERFORMANCE_SCHEMA, "%", READ_COUNTERS},
    {KW_SYS, "session%", READ_CONNECTION},
    {KW_SYS, "%", READ_COUNTERS},
    {KW_MYSQL, "gtid\\_%", READ_SERVER},
    {KW_MYSQL, "slave\\_%", READ_SERVER},
    {KW_MYSQL, "replication\\_%", READ_SERVER},
    {KW_MYSQL, "general\\_log", READ_SERVER},
    {KW_MYSQL, "plugin", READ_SERVER},
    {KW_MYSQL, "slow\\_log", READ_SERVER},
    {KW_MYSQL, "innodb\\_%", READ_SERVER},
    {KW_MYSQL, "wsrep\\_%", READ_SERVER},
    {KW_MYSQL, "ndb\\_%", READ_SERVER},
    {KW_MYSQL, "transaction\\_registry", READ_SERVER},
};

enum variable_read relation_read(enum keyword schema, struct view table)
{
	char name[65];
	if (table.len >= sizeof name)
		return READ_ANYWHERE;
	for (size_t i = 0; i < table.len; i++)
		name[i] = (char)table.p[i];
	name[table.len] = 0;
	for (size_t i = 0; i < sizeof relations / sizeof *relations; i++)
		if (relations[i].schema == schema && like_matches(view_of(relations[i].name), name))
			return relations[i].read;
	return READ_ANYWHERE;
}
