#include "proxy/http_json.h"

#include <math.h>
#include <string.h>

#include "proxy/utf8.h"

void json_write_text(FILE *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	fputc('"', out);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_character(p + i, len - i);
		if (!n)
			fputs("\\ufffd", out);
		else if (p[i] == '"' || p[i] == '\\')
			fprintf(out, "\\%c", p[i]);
		else if (p[i] < 0x20)
			fprintf(out, "\\u%04x", p[i]);
		else
			fwrite(p + i, 1, n, out);
		i += n ? n : 1;
	}
	fputc('"', out);
}

static void write_value(FILE *out, sqlite3_stmt *s, int column)
{
	double real;
	switch (sqlite3_column_type(s, column)) {
	case SQLITE_NULL:
		fputs("null", out);
		break;
	case SQLITE_INTEGER:
		fprintf(out, "%lld", (long long)sqlite3_column_int64(s, column));
		break;
	case SQLITE_FLOAT:
		real = sqlite3_column_double(s, column);
		fprintf(out, isfinite(real) ? "%.17g" : "null", real);
		break;
	default: {
		const char *text = (const char *)sqlite3_column_text(s, column);
		json_write_text(out, text ? text : "", (size_t)sqlite3_column_bytes(s, column));
	}
	}
}

static void write_row(FILE *out, sqlite3_stmt *s)
{
	for (int i = 0; i < sqlite3_column_count(s); i++) {
		const char *name = sqlite3_column_name(s, i);
		fputs(i ? ", " : "{", out);
		json_write_text(out, name, strlen(name));
		fputs(": ", out);
		write_value(out, s, i);
	}
	fputc('}', out);
}

bool json_write_rows(FILE *out, struct console_catalog *c, const char *sql, struct console_error *e)
{
	sqlite3_stmt *s = console_catalog_prepare(c, sql);
	int step = SQLITE_ERROR;
	if (s) {
		fputc('[', out);
		for (int n = 0; (step = sqlite3_step(s)) == SQLITE_ROW; n++) {
			fputs(n ? ",\n " : "\n ", out);
			write_row(out, s);
		}
		fputs("\n]\n", out);
	}
	if (step != SQLITE_DONE)
		console_catalog_error(c, e);
	sqlite3_finalize(s);
	return step == SQLITE_DONE;
}
