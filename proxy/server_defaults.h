/* What new sessions on a server begin with, as far as wye must know it to begin them alike: global variables. */
#ifndef WYE_PROXY_SERVER_DEFAULTS_H
#define WYE_PROXY_SERVER_DEFAULTS_H

#include <stdbool.h>
#include <stdint.h>

struct server_defaults {
	char sql_mode[768];
	uint32_t wait_timeout, interactive_timeout; /* seconds; 0: not known */
	char init_connect[2048];                    /* what is run at the login of accounts without special rights */
	bool init_connect_cut;                      /* it was longer */
	uint64_t init_connect_hash;                 /* of all of it; 0: empty */
};

#endif
