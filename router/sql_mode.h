/* Those parts of sql_mode that change how a text is cut into words or statements. */
#ifndef WYE_ROUTER_SQL_MODE_H
#define WYE_ROUTER_SQL_MODE_H

#include <stdint.h>

#include "protocol/wire.h"
#include "router/flavor.h"

#define MODE_ANSI_QUOTES          (1u << 0) /* "x" is an identifier */
#define MODE_NO_BACKSLASH_ESCAPES (1u << 1) /* a backslash in a string is a backslash */
#define MODE_IGNORE_SPACE         (1u << 2) /* NOW () is a call of NOW */
#define MODE_ORACLE               (1u << 3) /* MariaDB: BEGIN opens a block, seq.NEXTVAL */

/* The bits of a value of @@sql_mode: names separated by commas, in any case, blanks around them allowed.
 * Combined modes (ANSI, ORACLE, DB2, MSSQL, MAXDB, POSTGRESQL) bring what they stand for in that dialect.
 * Other names give nothing. */
uint32_t sql_mode_parse(struct view list, enum flavor flavor);

#endif
