/* What the console shows when there is no proxy behind it: two workers, two sessions, a primary and two replicas. */
#ifndef WYE_TESTS_CONSOLE_FAKES_H
#define WYE_TESTS_CONSOLE_FAKES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/failover/changes.h"
#include "proxy/config/config_change.h"
#include "proxy/console/console_table.h"
#include "proxy/errors_seen.h"
#include "proxy/events.h"
#include "proxy/pause.h"
#include "proxy/explain.h"
#include "proxy/snapshot.h"
#include "proxy/statements.h"
#include "proxy/stats.h"
#include "proxy/topology.h"

static struct worker_stats fake_workers[2];
static struct settings fake_settings;
static struct options fake_options;

unsigned stats_workers(void)
{
	return 2;
}

const struct worker_stats *stats_worker(unsigned index)
{
	return &fake_workers[index];
}

static struct statements fake_statements[2];
static struct tally *fake_errors[2];

const struct statements *stats_statements(unsigned index)
{
	return &fake_statements[index];
}

const struct tally *stats_errors_seen(unsigned index)
{
	return fake_errors[index];
}

void stats_statements_forget(uint64_t digest)
{
	for (unsigned i = 0; i < 2; i++)
		statements_forget(&fake_statements[i], digest);
}

void stats_errors_forget(void)
{
	for (unsigned i = 0; i < 2; i++)
		tally_forget(fake_errors[i], NULL, NULL);
}

size_t stats_sessions_copy(struct session_row *rows, size_t n)
{
	if (n < 2)
		return 2;
	memset(rows, 0, 2 * sizeof *rows);
	rows[0].id = 7;
	strcpy(rows[0].user, "app");
	strcpy(rows[0].state, "command");
	rows[1].id = 8;
	strcpy(rows[1].user, "shop \"quoted\"");
	strcpy(rows[1].pins, "temporary-table");
	rows[1].pinned_us = 250000;
	return 2;
}

bool stats_session_kill(uint64_t id, bool query_only)
{
	return id == (query_only ? 8 : 7);
}

/* Two workers' pools of one account, and one of another's. */
size_t stats_pools_copy(struct pool_row *rows, size_t n)
{
	if (n < 3)
		return 3;
	memset(rows, 0, 3 * sizeof *rows);
	for (unsigned i = 0; i < 3; i++) {
		strcpy(rows[i].user, i == 1 ? "shop" : "app");
		rows[i].idle = i + 1;
		rows[i].waited_max_ms = 100 * (i + 1);
		rows[i].closed[CLOSED_AGE] = 5;
	}
	return 3;
}

const char *closed_reason_name(enum closed_reason reason)
{
	return reason == CLOSED_AGE ? "age" : "other";
}

bool explain_route(const char *sql, const struct explain_where *where, struct explanation *out, char *error,
		   size_t error_size)
{
	memset(out, 0, sizeof *out);
	strcpy(out->route, "primary");
	snprintf(out->text, sizeof out->text, "[%s] user=%s schema=%s client=%s", sql, where->user, where->schema,
		 where->client);
	for (unsigned i = 0; i < where->n_after; i++)
		snprintf(out->text + strlen(out->text), sizeof out->text - strlen(out->text), " after=[%s]", where->after[i]);
	snprintf(error, error_size, where->connection ? "There is no session %u" : "", where->connection);
	return !where->connection;
}

static inline void fake_publish(enum server_state primary)
{
	struct snapshot *s = snapshot_create(3, &fake_settings);
	for (unsigned i = 0; i < 3; i++) {
		struct server_info *server = &s->servers[i];
		server->slot = i;
		snprintf(server->name, sizeof server->name, "db%u:3306", i);
		server->flavor = FLAVOR_MARIADB;
		server->version = 101119;
		server->role = i ? SERVER_REPLICA : SERVER_PRIMARY;
		server->state = i == 0 ? primary : i == 1 ? SERVER_STATE_UP : SERVER_STATE_LAGGING;
		server->takes_reads = i == 1;
		server->lag_us = i ? (int64_t)i * 1500000 : -1;
		server->weight = 1;
		server->since_us = 1700000000123456;
		strcpy(server->reason, i == 0 && primary != SERVER_STATE_UP ? "connection refused" : "answers");
	}
	s->primary = 0;
	snapshot_publish(s);
}

bool topology_reload_tls(char *error, size_t error_size)
{
	(void)error, (void)error_size;
	return true;
}

/* What a check asks the topology. */
void topology_findings(struct findings *out)
{
	finding_advise(findings_add(out, SEVERITY_PROBLEM, "db2:3306", "it serves no reads"), "look at it");
	findings_add(out, SEVERITY_OK, "db0:3306", "primary, up");
}

size_t topology_checkups(struct checkup *out, size_t n)
{
	(void)out, (void)n;
	return 0;
}

void topology_login(struct library_login *login)
{
	memset(login, 0, sizeof *login);
}

/* Changes of the topology take servers. */
static inline void changes_fake_row(struct change_row *row)
{
	*row = (struct change_row){.number = 1, .took_us = 1500, .at_us = 1};
	strcpy(row->change, "SWITCHOVER");
	strcpy(row->step, "plan");
	strcpy(row->state, "failed");
	strcpy(row->text, "there is no replica");
}

size_t changes_copy(struct change_row out[CHANGE_ROWS_MAX])
{
	changes_fake_row(&out[0]);
	return 1;
}

uint64_t changes_ask(const struct change_request *request, char *error, size_t size)
{
	(void)request;
	snprintf(error, size, "another one is under way");
	return 0;
}

uint64_t changes_ended(void)
{
	return 0;
}

bool changes_succeeded(uint64_t number, char *error, size_t size)
{
	(void)number;
	snprintf(error, size, "no");
	return false;
}

int changes_start(uv_loop_t *loop, void (*told)(void))
{
	(void)loop;
	(void)told;
	return 0;
}

void changes_stop(void)
{
}

static char fake_drained[280];

bool topology_drain(const char *server, bool drained, char *error, size_t error_size)
{
	if (strcmp(server, "db1:3306") != 0) {
		snprintf(error, error_size, "There is no server '%s'", server);
		return false;
	}
	snprintf(fake_drained, sizeof fake_drained, "%s", drained ? server : "");
	return true;
}

static bool fake_paused;
_Atomic bool pause_state;

bool pause_set(bool on)
{
	bool changes = fake_paused != on;
	fake_paused = on;
	return changes;
}

static void fake_apply(const struct config *before, const struct config *after)
{
	(void)before;
	fake_settings = after->settings;
	fake_publish(SERVER_STATE_UP);
}

static inline void fake_start(void)
{
	memset(fake_workers, 0, sizeof fake_workers);
	for (unsigned i = 0; i < 2; i++) {
		statements_finish(&fake_statements[i]);
		tally_destroy(fake_errors[i]);
		fake_errors[i] = errors_seen_create();
		if (!statements_init(&fake_statements[i], 10) || !fake_errors[i])
			abort();
	}
	settings_default(&fake_settings);
	fake_options.settings = fake_settings;
	fake_options.n_servers = 1;
	strcpy(fake_options.servers[0].at.host, "db0");
	fake_options.servers[0].at.port = 3306;
	fake_options.servers[0].weight = 1;
	char error[512];
	if (!config_start(&fake_options, fake_apply, error, sizeof error))
		abort();
	fake_publish(SERVER_STATE_UP);
	stat_add(&fake_workers[0].routes[ROUTE_REPLICA][REASON_READ], 10);
	stat_add(&fake_workers[1].routes[ROUTE_REPLICA][REASON_READ], 5);
	stat_add(&fake_workers[1].routes[ROUTE_PRIMARY][REASON_WRITE], 4);
	stat_add(&fake_workers[0].servers[1].statements, 10);
	stat_add(&fake_workers[1].servers[1].used, 3);
	stat_add(&fake_workers[0].clients, 2);
}

#endif
