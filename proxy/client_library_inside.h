/* What the files that see mysql.h share; nobody else includes this. */
#ifndef WYE_PROXY_CLIENT_LIBRARY_INSIDE_H
#define WYE_PROXY_CLIENT_LIBRARY_INSIDE_H

#include <mysql.h>

#include "proxy/client_library.h"

struct library_connection {
	MYSQL *mysql;
	unsigned read_timeout; /* seconds */
};

/* What the error number that a library or a server gave stands for; the text is kept without control characters. */
void library_explain(unsigned code, const char *text, struct library_error *error);

#endif
