#include "proxy/console/console_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/utf8.h"

void rows_init(struct table_rows *rows)
{
	memset(rows, 0, sizeof *rows);
}

void rows_finish(struct table_rows *rows)
{
	free(rows->values);
	free(rows->texts);
	rows_init(rows);
}

static void *grown(void *memory, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return memory;
	size_t wanted = *cap ? *cap * 2 : 256;
	*cap = wanted < need ? need : wanted;
	memory = realloc(memory, *cap * size);
	if (!memory)
		abort();
	return memory;
}

static struct table_value *value_new(struct table_rows *rows, enum value_type type)
{
	rows->values = grown(rows->values, &rows->cap, rows->n + 1, sizeof *rows->values);
	struct table_value *value = &rows->values[rows->n++];
	value->type = type;
	return value;
}

void rows_integer(struct table_rows *rows, int64_t value)
{
	value_new(rows, VALUE_IS_INTEGER)->integer = value;
}

void rows_count(struct table_rows *rows, uint64_t value)
{
	rows_integer(rows, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void rows_real(struct table_rows *rows, double value)
{
	value_new(rows, VALUE_IS_REAL)->real = value;
}

/* Clients of the console are told that what they get is UTF-8, and some end over what is not. */
void rows_text(struct table_rows *rows, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = strlen(text), most = len * strlen(UTF8_REPLACEMENT) + 1;
	rows->texts = grown(rows->texts, &rows->texts_cap, rows->texts_len + most, 1);
	value_new(rows, VALUE_IS_TEXT)->text = rows->texts_len;
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = utf8_character(p + i, len - i);
		size_t size = n ? n : strlen(UTF8_REPLACEMENT);
		memcpy(rows->texts + rows->texts_len, n ? text + i : UTF8_REPLACEMENT, size);
		rows->texts_len += size;
	}
	rows->texts[rows->texts_len++] = '\0';
}

void rows_text_or_null(struct table_rows *rows, const char *text)
{
	if (*text)
		rows_text(rows, text);
	else
		rows_null(rows);
}

void rows_null(struct table_rows *rows)
{
	value_new(rows, VALUE_IS_NULL)->integer = 0;
}

void rows_time(struct table_rows *rows, int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	char text[64], whole[80];
	if (us <= 0 || !gmtime_r(&seconds, &tm)) {
		rows_null(rows);
		return;
	}
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(whole, sizeof whole, "%s.%03d", text, (int)(us % 1000000 / 1000));
	rows_text(rows, whole);
}

const char *rows_text_of(const struct table_rows *rows, const struct table_value *value)
{
	return rows->texts + value->text;
}
