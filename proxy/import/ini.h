/* A file of sections and values, as MaxScale has it: [name], key = value, lines that begin with a blank go on the one before. */
#ifndef WYE_PROXY_IMPORT_INI_H
#define WYE_PROXY_IMPORT_INI_H

#include <stdbool.h>
#include <stddef.h>

struct ini_value {
	char *key, *value;
};

struct ini_section {
	char *name;
	struct ini_value *values;
	size_t n;
};

struct ini {
	struct ini_section *sections;
	size_t n;
};

/* False: `error` is one line that names the line. ini_finish() in any case. */
bool ini_read(struct ini *ini, const char *path, char *error, size_t error_size);
void ini_finish(struct ini *ini);

/* The last of that name; NULL: there is none. Names in any case, '-' and '_' alike. */
const char *ini_get(const struct ini_section *s, const char *key);
const struct ini_section *ini_section_named(const struct ini *ini, const char *name);

#endif
