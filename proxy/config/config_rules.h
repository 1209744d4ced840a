/* The table `rules`: its rows in the configuration, in sqlite, in exports; and as the set that statements are compared with. */
#ifndef WYE_PROXY_CONFIG_RULES_H
#define WYE_PROXY_CONFIG_RULES_H

#include <sqlite3.h>
#include <stdio.h>

#include "proxy/config/config.h"

/* Room for one more, with the texts copied: NULL stays NULL, but for what has a default. */
struct config_rule *config_add_rule(struct config *c, const char *const texts[RULE_FIELD_COUNT]);
void config_rule_copy(struct config_rule *to, const char *const texts[RULE_FIELD_COUNT]);
void config_rule_finish(struct config_rule *r);
const struct config_rule *config_rule_numbered(const struct config *c, const char *id); /* NULL: there is none */
unsigned config_rule_next_id(const struct config *c);                                   /* behind the last */

/* Adds the stored rules; their patterns are not looked at. False: `error` names the rule, the column and what is allowed. */
bool config_rules_read(sqlite3 *db, struct config *c, char *error, size_t error_size);

/* Writes a row, as config_store_server() does; its patterns are looked at. */
bool config_store_rule(sqlite3 *db, const char *old, const char *const texts[RULE_FIELD_COUNT], bool replace, char *error,
		       size_t error_size);

/* From a database with such a table into main.rules of another. */
bool config_rules_copy(sqlite3 *from, sqlite3 *to);

void config_rules_export(FILE *out, const struct config *c, void (*put_literal)(FILE *out, const char *text));

/* Makes c->rule_set of the rules; counts go on from those of `before` (NULL: none). False: what is wrong. */
bool config_rules_compile(struct config *c, const struct rule_set *before, unsigned workers, char *error,
			  size_t error_size);

/* What rules mirror to are servers that are there. False: which rule, and the nearest that is. */
bool config_mirrors_check(const struct config *c, char *error, size_t error_size);

/* Tells `say` of each rule that is other: "rules + 10". */
void config_rules_compare(const struct config *before, const struct config *after,
			  void (*say)(void *arg, char what, const char *id), void *arg);

#endif
