/*
 * The audit: who came and went, what was changed here, and, if asked for, every statement; a line each.
 *
 *	login, login-refused, logout      clients
 *	admin-login, admin-refused, admin-logout, console-statement, configuration      administrators
 *	statement      clients' (session/statement_log.c)
 *
 * Statements are without their literals. Any thread.
 */
#ifndef WYE_PROXY_AUDIT_H
#define WYE_PROXY_AUDIT_H

#include <stdint.h>

#include "proxy/settings.h"

void audit_configure(enum audit level);
bool audit_wants(enum audit level);

/* code: of the error a refused login was answered with, else 0. */
void audit_client(const char *event, uint32_t session, const char *user, const char *client, unsigned code);
void audit_admin(const char *event, uint32_t session, const char *user);
/* Control thread only. */
void audit_console_statement(uint32_t session, const char *user, const char *sql);
void audit_configuration(uint64_t version, const char *who, const char *what);

#endif
