/* The metrics of the process in Prometheus' text format. */
#ifndef WYE_PROXY_METRICS_H
#define WYE_PROXY_METRICS_H

#include <stdio.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Any thread; counters are read where they are, nothing is reset. */
void metrics_write(FILE *out);

/* What there can be, as rows of a table in Markdown: name, type, labels, meaning. For a process that serves nothing. */
void metrics_describe(FILE *reference);

#endif
