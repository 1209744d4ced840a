/* MaxScale's configuration (maxscale.cnf) as rows of wye's tables, or the reason why there are none. */
#ifndef WYE_PROXY_IMPORT_MAXSCALE_H
#define WYE_PROXY_IMPORT_MAXSCALE_H

#include "proxy/import/plan.h"

/* False: `error` is one line. */
bool maxscale_plan(struct plan *plan, const char *path, char *error, size_t error_size);

#endif
