/*
 * What administrators write: statements of the console turned into sqlite's, words and values of its commands, addresses
 * and ranges of clients. No text makes more than it may, and what is taken once is taken again.
 *
 * Input: a text, which ends with the first zero.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/console/console_sql.h"
#include "proxy/options.h"
#include "router/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM 24u /* small, so that texts meet its end */

static void read_statement(const char *text)
{
	char error[128] = "";
	char *sql = sql_to_sqlite(text, error, sizeof error);
	assert(sql || *error);
	assert(memchr(error, '\0', sizeof error));
	free(sql);
}

/* To its end, by words, values and what lies between. */
static void read_command(const char *text)
{
	const char *end = text + strlen(text), *at = text;
	while (!sql_at_end(at)) {
		char word[ROOM], value[ROOM];
		const char *before = at, *other = at;
		bool taken = sql_word(&at, word, sizeof word);
		assert(taken || at == before);
		assert(!taken || (at > before && at <= end && strlen(word) < sizeof word));
		if (sql_value(&other, value, sizeof value))
			assert(other > before && other <= end && strlen(value) < sizeof value);
		if (!taken)
			at = other > before ? other : sql_skip(before) + (*sql_skip(before) != '\0');
	}
	assert(at <= end);
	char name[ROOM];
	sql_column_name(text, name, sizeof name);
	assert(strlen(name) < sizeof name);
}

static void read_endpoint(const char *text)
{
	struct endpoint e, again;
	char error[256] = "", name[280];
	if (!endpoint_parse(&e, text, 3306, error, sizeof error)) {
		assert(*error);
		return;
	}
	endpoint_format(&e, name, sizeof name);
	assert(endpoint_parse(&again, name, 3306, error, sizeof error));
	assert(endpoint_same(&e, &again));
}

static void read_range(const char *text)
{
	struct address_range r;
	struct address a;
	char error[256] = "";
	if (address_range_parse(&r, text, error, sizeof error))
		assert(address_in_range(&r.first, &r));
	else
		assert(*error);
	if (address_parse(&a, text))
		assert(a.local || !address_is_v4(&a) || strchr(text, '.') || strchr(text, ':'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	read_statement(text);
	read_command(text);
	read_endpoint(text);
	read_range(text);
	free(text);
	return 0;
}
