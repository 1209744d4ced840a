/*
 * The command line and the environment (docs: DESIGN of the interface, `wye help`): options -> struct options.
 *
 * Every option may also be an environment variable (WYE_LISTEN, WYE_SERVERS for the positional addresses, ...); the
 * command line wins. Repeatable options take several values separated by blanks in the environment.
 */
#ifndef WYE_PROXY_OPTIONS_H
#define WYE_PROXY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "proxy/settings.h"

#define OPTIONS_LISTEN_MAX 16
#define OPTIONS_SERVERS_MAX 64
#define OPTIONS_USERS_MAX 64

struct endpoint {
	char host[256]; /* name or address, brackets of IPv6 removed; a Unix socket's path when it begins with '/' */
	uint16_t port;  /* 0 for a Unix socket */
};

enum listen_route { LISTEN_AUTO, LISTEN_PRIMARY, LISTEN_REPLICA };

struct listen_option {
	struct endpoint at;
	enum listen_route route;
};

enum server_role_option { SERVER_ROLE_AUTO, SERVER_ROLE_PRIMARY, SERVER_ROLE_REPLICA, SERVER_ROLE_MIRROR };

struct server_option {
	struct endpoint at;
	enum server_role_option role;
	unsigned weight;
	char zone[ZONE_MAX]; /* empty: none */
};

struct user_option {
	char name[129];
	char password[256];
	bool has_password;
};

struct options {
	struct settings settings;
	bool set_by_hand[SETTINGS_MAX]; /* of these, by index: given on the command line or in the environment */
	struct listen_option listen[OPTIONS_LISTEN_MAX];
	size_t n_listen;
	struct endpoint admin[OPTIONS_LISTEN_MAX];
	size_t n_admin;
	struct endpoint http;
	bool http_off; /* --http off */
	bool listen_by_hand, admin_by_hand, http_by_hand; /* given; else they are the defaults */
	struct server_option servers[OPTIONS_SERVERS_MAX]; /* the addresses (role auto, weight 1) and every --server */
	size_t n_servers;
	char monitor_user[129], monitor_password[256];
	struct user_option users[OPTIONS_USERS_MAX];
	size_t n_users;
	char config[1024]; /* sqlite file, empty = in memory */
	struct view config_image; /* in memory: the tables of the process that this one takes over from; or empty */
	bool check;
};

enum options_result { OPTIONS_OK, OPTIONS_EXIT /* help or version was printed */, OPTIONS_USAGE /* a line was printed: exit 2 */ };

/* argv after the word `serve` (or after the program's name). A password inside the address is wiped from argv. */
enum options_result options_parse(struct options *o, int argc, char **argv);

/* `wye help [TOPIC]`: 0, or 2 when there is no such topic. */
int options_help(int argc, char **argv);

/* HOST:PORT, [v6]:PORT, HOST (default port), /path: false with a reason in error. */
bool endpoint_parse(struct endpoint *e, const char *text, uint16_t default_port, char *error, size_t error_size);
void endpoint_format(const struct endpoint *e, char *out, size_t out_size);
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);

#endif
