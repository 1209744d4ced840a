/* Which tables of the servers' own schemas answer for one server, or for one connection. */
#ifndef WYE_ROUTER_RELATIONS_H
#define WYE_ROUTER_RELATIONS_H

#include "protocol/wire.h"
#include "router/keywords.h"
#include "router/variables.h"

/* schema: KW_INFORMATION_SCHEMA, KW_PERFORMANCE_SCHEMA, KW_MYSQL or KW_SYS. */
enum variable_read relation_read(enum keyword schema, struct view table);

#endif
