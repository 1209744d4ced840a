#include "proxy/metrics_text.h"

#include <inttypes.h>
#include <stdarg.h>

/* A label's value: backslash, quote and newline are escaped. */
static void write_label(FILE *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\n')
			fputs("\\n", out);
		else
			fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
}

_Thread_local FILE *metric_reference;

/* The labels as a list that a person reads. */
static void write_reference(const char *name, const char *type, const char *labels, const char *help)
{
	fprintf(metric_reference, "| `%s` | %s | ", name, type);
	for (; *labels; labels++)
		if (*labels == ',')
			fputs(", ", metric_reference);
		else
			fputc(*labels, metric_reference);
	fprintf(metric_reference, " | %s |\n", help);
}

void metric_describe(FILE *out, const char *name, const char *type, const char *labels, const char *help)
{
	if (metric_reference)
		write_reference(name, type, labels, help);
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_begin(FILE *out, const char *name, ...)
{
	const char *label;
	int n = 0;
	va_list labels;
	fputs(name, out);
	va_start(labels, name);
	for (; (label = va_arg(labels, const char *)); n++) {
		fprintf(out, "%c%s=\"", n ? ',' : '{', label);
		write_label(out, va_arg(labels, const char *));
		fputc('"', out);
	}
	va_end(labels);
	fputs(n ? "} " : " ", out);
}

void metric_count(FILE *out, uint64_t value)
{
	fprintf(out, "%" PRIu64 "\n", value);
}

void metric_value(FILE *out, double value)
{
	fprintf(out, "%.15g\n", value);
}

void metric_plain(FILE *out, const char *name, const char *type, const char *help, double value)
{
	metric_describe(out, name, type, "", help);
	metric_begin(out, name, NULL);
	metric_value(out, value);
}
