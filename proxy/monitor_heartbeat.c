#include "proxy/monitor_heartbeat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_MAX (HEARTBEAT_QUOTED_MAX + 200)
#define WRONG_TABLE_NAME 1103

/* The machine's, since it was started: its monotonic clock begins then. */
static char row_id[37];
static pthread_once_t row_id_once = PTHREAD_ONCE_INIT;

static _Atomic int64_t newest_us;

static void read_row_id(void)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");
	if (!f || fscanf(f, "%36[0-9a-f-]", row_id) != 1)
		snprintf(row_id, sizeof row_id, "wye");
	if (f)
		fclose(f);
}

bool heartbeat_quote(const char *table, char quoted[HEARTBEAT_QUOTED_MAX])
{
	const char *dot = strchr(table, '.');
	size_t len = strlen(table), n = 0;
	if (!dot || dot == table || !dot[1] || strchr(dot + 1, '.') || len >= HEARTBEAT_NAME_MAX)
		return false;
	quoted[n++] = '`';
	for (const char *p = table; *p; p++) {
		if (p == dot) {
			memcpy(quoted + n, "`.`", 3);
			n += 3;
			continue;
		}
		if (*p == '`')
			quoted[n++] = '`';
		quoted[n++] = *p;
	}
	memcpy(quoted + n, "`", 2);
	return true;
}

int64_t heartbeat_behind(int64_t beat, int64_t newest, int64_t interval_us, int64_t now_us)
{
	int64_t lacked_since = beat + interval_us; /* when the one after it was due */
	if (beat >= newest || now_us <= lacked_since)
		return 0;
	return now_us - lacked_since;
}

bool heartbeat_write(struct library_connection *c, const char *table, int64_t now_us, struct library_error *error)
{
	char quoted[HEARTBEAT_QUOTED_MAX], sql[SQL_MAX];
	pthread_once(&row_id_once, read_row_id);
	if (!heartbeat_quote(table, quoted)) {
		*error = (struct library_error){LIBRARY_SQL, WRONG_TABLE_NAME, "it is to be written as schema.table"};
		return false;
	}
	/* An account that may change the topology may write in spite of read_only, and must not: nobody else would have it. */
	snprintf(sql, sizeof sql,
		 "INSERT INTO %s (id, beat) SELECT '%s', %lld FROM DUAL WHERE CONCAT(@@global.read_only) IN ('0', 'OFF') "
		 "ON DUPLICATE KEY UPDATE beat = %lld",
		 quoted, row_id, (long long)now_us, (long long)now_us);
	if (!library_query(c, sql, NULL, error))
		return false;
	atomic_store(&newest_us, now_us);
	return true;
}

int64_t heartbeat_read(struct library_connection *c, const char *table, int64_t interval_us, int64_t now_us,
		       struct library_error *error)
{
	char quoted[HEARTBEAT_QUOTED_MAX], sql[SQL_MAX];
	struct library_result *r = NULL;
	int64_t newest = atomic_load(&newest_us), behind = -1;
	pthread_once(&row_id_once, read_row_id);
	if (!newest || !heartbeat_quote(table, quoted))
		return -1;
	snprintf(sql, sizeof sql, "SELECT beat FROM %s WHERE id = '%s'", quoted, row_id);
	if (!library_query(c, sql, &r, error))
		return -1;
	const char *beat = library_row(r) ? library_value(r, 0, NULL) : NULL;
	if (beat)
		behind = heartbeat_behind(strtoll(beat, NULL, 10), newest, interval_us, now_us);
	library_free(r);
	return behind;
}
