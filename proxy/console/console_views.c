#include "proxy/console/console_views.h"

#include <strings.h>

#include "proxy/config/config_sql.h"

const struct console_view *console_view_at(size_t index)
{
	static const struct console_view *const families[] = {console_views_proxysql, console_views_information};
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		for (const struct console_view *v = families[i]; v->name; v++)
			if (!index--)
				return v;
	return NULL;
}

bool console_view_is(const char *name)
{
	const struct console_view *v;
	for (size_t i = 0; (v = console_view_at(i)); i++)
		if (strcasecmp(v->name, name) == 0)
			return true;
	return false;
}

bool console_views_add(sqlite3 *db)
{
	const struct console_view *v;
	bool fine = true;
	for (size_t i = 0; fine && (v = console_view_at(i)); i++) {
		char *sql = sqlite3_mprintf("CREATE TEMP VIEW IF NOT EXISTS \"%w\" AS %s", v->name, v->sql);
		fine = sql && config_sql_script(db, sql);
		sqlite3_free(sql);
	}
	return fine;
}
