#include "proxy/config/config_change.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proxy/audit.h"
#include "proxy/config/config_rules.h"
#include "proxy/config/config_sql.h"
#include "proxy/config/config_store.h"
#include "proxy/security.h"
#include "proxy/events.h"
#include "proxy/stats.h"

#define CHANGE_MAX 1024

static struct {
	sqlite3 *db;
	struct options given;
	unsigned workers;
	void (*apply)(const struct config *before, const struct config *after);

	pthread_mutex_t lock;
	struct config *in_force; /* replaced under the lock */

	bool frozen;
	const void *owner; /* of the open change */
	char who[129];
	struct config *changed; /* what the tables say within it, as far as read; NULL: to be read */
} store = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local const void *reader;

sqlite3 *config_db(void)
{
	return store.db;
}

struct config *config_get(void)
{
	pthread_mutex_lock(&store.lock);
	struct config *c = config_ref(store.in_force);
	pthread_mutex_unlock(&store.lock);
	return c;
}

static void publish(struct config *c)
{
	pthread_mutex_lock(&store.lock);
	struct config *old = store.in_force;
	store.in_force = c;
	pthread_mutex_unlock(&store.lock);
	config_unref(old);
}

void config_read_for(const void *owner)
{
	reader = owner;
}

static void forget_changed(void)
{
	config_unref(store.changed);
	store.changed = NULL;
}

static struct config *read_changed(char *error, size_t error_size)
{
	if (!store.changed)
		store.changed = config_store_read(store.db, &store.given, error, error_size);
	return store.changed;
}

struct config *config_visible(void)
{
	char error[CONFIG_ERROR_MAX];
	if (reader && reader == store.owner && read_changed(error, sizeof error))
		return config_ref(store.changed);
	return config_get();
}

/* ---- changes ---- */

bool config_change_is(const void *owner)
{
	return owner && store.owner == owner;
}

void config_change_touched(void)
{
	forget_changed();
}

static bool is_owned_by_file(void)
{
	size_t len = strlen(store.given.config);
	return len > 4 && strcmp(store.given.config + len - 4, ".sql") == 0;
}

bool config_is_durable(void)
{
	return *store.given.config && !is_owned_by_file();
}

static bool begin(const void *owner, const char *who, char *error, size_t error_size)
{
	if (store.owner == owner)
		return true;
	if (store.frozen)
		return config_refuse(error, error_size,
			      "another process is taking over: connect again, and change the configuration there");
	if (store.owner)
		return config_refuse(error, error_size,
			      "'%.64s' is changing the configuration on another connection: wait for its COMMIT or ROLLBACK",
			      store.who);
	if (!config_sql_script(store.db, "BEGIN IMMEDIATE"))
		return config_refuse(error, error_size, "the configuration cannot be changed now: %s",
			      sqlite3_errmsg(store.db));
	store.owner = owner;
	snprintf(store.who, sizeof store.who, "%s", who);
	return true;
}

bool config_change_begin(const void *owner, const char *who, char *error, size_t error_size)
{
	if (is_owned_by_file())
		return config_refuse(error, error_size, "the configuration is owned by %.300s: change it there, then RELOAD",
			      store.given.config);
	return begin(owner, who, error, error_size);
}

static void end(void)
{
	forget_changed();
	store.owner = NULL;
}

void config_change_roll_back(const void *owner)
{
	if (!config_change_is(owner))
		return;
	config_sql_script(store.db, "ROLLBACK");
	end();
}

/* What no single row can tell; and its rules are made ready to come into force. */
static bool check_whole(struct config *c, char *error, size_t error_size)
{
	if (!c->n_servers)
		return config_refuse(error, error_size,
			      "servers: there must be at least one; INSERT INTO servers(server) VALUES('HOST:PORT')");
	bool any_admin = !c->n_admins;
	for (size_t i = 0; i < c->n_admins; i++)
		any_admin |= c->admins[i].role == ADMIN_ROLE_ADMIN;
	if (!any_admin)
		return config_refuse(error, error_size,
				     "admins: one of them at least must have the role admin, or nobody could change anything");
	if (c->n_servers > OPTIONS_SERVERS_MAX)
		return config_refuse(error, error_size, "servers: there are %zu; allowed: at most %d", c->n_servers,
			      OPTIONS_SERVERS_MAX);
	if (!config_mirrors_check(c, error, error_size))
		return false;
	struct config *before = config_get();
	bool fine = config_rules_compile(c, before ? before->rule_set : NULL, store.workers, error, error_size);
	config_unref(before);
	return fine;
}

/* Stores the change: false, with nothing stored and the change still open, when that fails. */
static struct config *store_change(const char *what, char *error, size_t error_size)
{
	struct config *next = NULL;
	if (!config_store_note(store.db, store.changed, store.who, what, error, error_size))
		return NULL;
	struct rule_set *rules = rule_set_ref(store.changed->rule_set);
	forget_changed();
	next = config_store_read(store.db, &store.given, error, error_size);
	if (next)
		next->rule_set = rules;
	else
		rule_set_unref(rules);
	if (next && config_sql_script(store.db, "COMMIT"))
		return next;
	if (next)
		config_refuse(error, error_size, "the configuration cannot be stored: %s", sqlite3_errmsg(store.db));
	config_unref(next);
	return NULL;
}

bool config_change_commit(const void *owner, char *error, size_t error_size)
{
	char what[CHANGE_MAX];
	if (!config_change_is(owner))
		return true;
	if (!read_changed(error, error_size) || !check_whole(store.changed, error, error_size) ||
	    !security_can_use(&store.changed->settings, error, error_size))
		return false;
	struct config *before = config_get();
	config_describe_change(before, store.changed, what, sizeof what);
	bool fine = true;
	if (!*what) {
		config_change_roll_back(owner); /* written as it was */
	} else {
		struct config *next = store_change(what, error, error_size);
		fine = next;
		if (next) {
			event_note(LOG_LEVEL_INFO, "configuration", NULL, "version %llu, by '%.64s': %s",
				   (unsigned long long)next->version, store.who, what);
			audit_configuration(next->version, store.who, what);
			end();
			publish(next);
			store.apply(before, next);
		}
	}
	config_unref(before);
	return fine;
}

bool config_reload(const char *who, char *error, size_t error_size)
{
	static const char owner = 0;
	if (!is_owned_by_file())
		return config_refuse(error, error_size,
			      "nothing is to be loaded: changes on the console are in force at their COMMIT");
	if (!begin(&owner, who, error, error_size))
		return false;
	bool fine = config_store_import_file(store.db, store.given.config, error, error_size);
	forget_changed();
	fine = fine && config_change_commit(&owner, error, error_size);
	config_change_roll_back(&owner); /* unless it was committed */
	return fine;
}

/* ---- another process takes over ---- */

bool config_freeze(bool frozen)
{
	if (frozen && store.owner)
		return false;
	store.frozen = frozen;
	return true;
}

uint8_t *config_image(sqlite3_int64 *size)
{
	uint8_t *image = NULL;
	sqlite3 *copy = NULL;
	if (*store.given.config)
		return NULL;
	/* Of a copy, since what is asked on the administrators' connection is what they may ask. */
	if (sqlite3_open(":memory:", &copy) == SQLITE_OK) {
		sqlite3_backup *b = sqlite3_backup_init(copy, "main", store.db, "main");
		bool done = b && sqlite3_backup_step(b, -1) == SQLITE_DONE;
		sqlite3_backup_finish(b);
		if (done)
			image = sqlite3_serialize(copy, "main", size, 0);
	}
	sqlite3_close(copy);
	return image;
}

/* ---- start and end ---- */

static unsigned workers_of(const struct settings *s)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n = s->threads ? s->threads : (uint64_t)(cores > 0 ? cores : 1);
	return n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

unsigned config_workers(void)
{
	return store.workers;
}

bool config_start(struct options *options, void (*apply)(const struct config *before, const struct config *after),
		  char *error, size_t error_size)
{
	char why[CONFIG_ERROR_MAX];
	store.given = *options;
	store.apply = apply;
	store.db = config_store_open(&store.given, error, error_size);
	if (!store.db)
		return false;
	struct config *first = config_store_read(store.db, &store.given, why, sizeof why);
	store.workers = first ? workers_of(&first->settings) : 0;
	if (!first || !check_whole(first, why, sizeof why)) {
		config_refuse(error, error_size, "configuration file %s: %s", store.given.config, why);
		config_unref(first);
		config_stop();
		return false;
	}
	options->settings = first->settings;
	publish(first);
	return true;
}

void config_stop(void)
{
	forget_changed();
	publish(NULL);
	config_store_close(store.db);
	store.db = NULL;
	store.owner = NULL;
	OPENSSL_cleanse(&store.given, sizeof store.given);
}
