/* How a connection reads a text: what the lexer must know of the server and the session. */
#ifndef WYE_ROUTER_DIALECT_H
#define WYE_ROUTER_DIALECT_H

#include <stdint.h>

#include "protocol/wire.h"
#include "router/flavor.h"

/* Character sets in which a byte of ASCII, the backslash among them, can be the second of a character. */
enum text_charset { TEXT_ASCII_SAFE, TEXT_GBK, TEXT_SJIS, TEXT_BIG5, TEXT_GB18030 };

/* Of a name of character_set_client, in any case ("cp932" is TEXT_SJIS). */
enum text_charset text_charset_of(struct view name);

struct dialect {
	enum flavor flavor;
	unsigned version;          /* 90704, 101119: which executable comments run */
	uint32_t sql_mode;         /* MODE_... of sql_mode.h */
	enum text_charset charset; /* of character_set_client */
};

#endif
