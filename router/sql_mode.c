#include "router/sql_mode.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What the combined modes bring: dev.mysql.com "Combination SQL Modes", mariadb.com "SQL_MODE". MySQL 8 and
 * later knows ANSI only; a server that does not know a name refuses it, so the others do no harm here. */
#define COMBINED (MODE_ANSI_QUOTES | MODE_IGNORE_SPACE)

static const struct {
	const char *name;
	uint32_t mysql, mariadb;
} modes[] = {
    {"ANSI_QUOTES", MODE_ANSI_QUOTES, MODE_ANSI_QUOTES},
    {"NO_BACKSLASH_ESCAPES", MODE_NO_BACKSLASH_ESCAPES, MODE_NO_BACKSLASH_ESCAPES},
    {"IGNORE_SPACE", MODE_IGNORE_SPACE, MODE_IGNORE_SPACE},
    {"ANSI", COMBINED, COMBINED},
    {"ORACLE", COMBINED, COMBINED | MODE_ORACLE},
    {"DB2", COMBINED, COMBINED},
    {"MSSQL", COMBINED, COMBINED},
    {"MAXDB", COMBINED, COMBINED},
    {"POSTGRESQL", COMBINED, COMBINED},
};

static uint32_t mode_of(const uint8_t *name, size_t len, enum flavor flavor)
{
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (strlen(modes[i].name) == len && strncasecmp(modes[i].name, (const char *)name, len) == 0)
			return flavor == FLAVOR_MARIADB ? modes[i].mariadb : modes[i].mysql;
	return 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

uint32_t sql_mode_parse(struct view list, enum flavor flavor)
{
	uint32_t found = 0;
	const uint8_t *p = list.p, *end = list.p + list.len;
	while (p < end) {
		const uint8_t *comma = memchr(p, ',', (size_t)(end - p));
		const uint8_t *stop = comma ? comma : end;
		const uint8_t *last = stop;
		while (p < last && is_blank(*p))
			p++;
		while (p < last && is_blank(last[-1]))
			last--;
		found |= mode_of(p, (size_t)(last - p), flavor);
		p = comma ? comma + 1 : end;
	}
	return found;
}
