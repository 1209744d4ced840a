/* Writing Prometheus' text format: families with their help and type, and samples with their labels. */
#ifndef WYE_PROXY_METRICS_TEXT_H
#define WYE_PROXY_METRICS_TEXT_H

#include <stdint.h>
#include <stdio.h>

/* The lines before the samples of a name; type: counter, gauge or histogram; labels: those of each sample, separated by
 * commas, "" for none. */
void metric_describe(FILE *out, const char *name, const char *type, const char *labels, const char *help);

/* While it is set, what this thread describes is also written here, a row of a table in Markdown each. */
extern _Thread_local FILE *metric_reference;

/* The beginning of a sample: its name and labels, given as pairs of name and value that end with NULL. What follows on
 * the line is its value. */
void metric_begin(FILE *out, const char *name, ...) __attribute__((sentinel));

void metric_count(FILE *out, uint64_t value);  /* a whole number, and the line's end */
void metric_value(FILE *out, double value);

/* A family of one sample without labels. */
void metric_plain(FILE *out, const char *name, const char *type, const char *help, double value);

#endif
