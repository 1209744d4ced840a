#include "proxy/import/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/config/config.h"

static char *trimmed(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	return text;
}

static char *copy(const char *text)
{
	char *made = strdup(text);
	if (!made)
		abort();
	return made;
}

static void add_section(struct ini *ini, const char *name)
{
	ini->sections = realloc(ini->sections, (ini->n + 1) * sizeof *ini->sections);
	if (!ini->sections)
		abort();
	ini->sections[ini->n++] = (struct ini_section){.name = copy(name)};
}

static void add_value(struct ini_section *s, const char *key, const char *value)
{
	s->values = realloc(s->values, (s->n + 1) * sizeof *s->values);
	if (!s->values)
		abort();
	s->values[s->n++] = (struct ini_value){copy(key), copy(value)};
}

static void append(struct ini_value *v, const char *more)
{
	char *whole;
	if (asprintf(&whole, "%s%s", v->value, more) < 0)
		abort();
	free(v->value);
	v->value = whole;
}

static bool read_line(struct ini *ini, char *line)
{
	struct ini_section *s = ini->n ? &ini->sections[ini->n - 1] : NULL;
	bool goes_on = isspace((unsigned char)*line) && s && s->n;
	char *text = trimmed(line), *end = strrchr(text, ']'), *equals = strchr(text, '=');
	if (!*text || *text == '#' || *text == ';')
		return true;
	if (goes_on) {
		append(&s->values[s->n - 1], text);
		return true;
	}
	if (*text == '[' && end) {
		*end = '\0';
		add_section(ini, trimmed(text + 1));
		return true;
	}
	if (!s || !equals || equals == text)
		return false;
	*equals = '\0';
	char *value = trimmed(equals + 1);
	size_t n = strlen(value);
	if (n > 1 && (*value == '"' || *value == '\'') && value[n - 1] == *value) {
		value[n - 1] = '\0';
		value++;
	}
	add_value(s, trimmed(text), value);
	return true;
}

bool ini_read(struct ini *ini, const char *path, char *error, size_t error_size)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0, number = 0;
	bool fine = true;
	*ini = (struct ini){0};
	while (fine && file && getline(&line, &size, file) >= 0) {
		number++;
		fine = read_line(ini, line) ||
		       config_refuse(error, error_size, "%.300s: line %zu is no [section] and no key = value", path, number);
	}
	if (fine && (!file || ferror(file)))
		fine = config_refuse(error, error_size, "%.300s: %s", path, strerror(errno));
	free(line);
	if (file)
		fclose(file);
	return fine;
}

void ini_finish(struct ini *ini)
{
	for (size_t i = 0; i < ini->n; i++) {
		for (size_t k = 0; k < ini->sections[i].n; k++) {
			free(ini->sections[i].values[k].key);
			free(ini->sections[i].values[k].value);
		}
		free(ini->sections[i].values);
		free(ini->sections[i].name);
	}
	free(ini->sections);
	*ini = (struct ini){0};
}

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b) && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

const char *ini_get(const struct ini_section *s, const char *key)
{
	for (size_t i = s->n; i-- > 0;)
		if (same_name(s->values[i].key, key))
			return s->values[i].value;
	return NULL;
}

const struct ini_section *ini_section_named(const struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->n; i++)
		if (same_name(ini->sections[i].name, name))
			return &ini->sections[i];
	return NULL;
}
