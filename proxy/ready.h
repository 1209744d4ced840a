/* Whether wye can serve: there is a primary that answers and may be written, and wye is not about to end. Any thread. */
#ifndef WYE_PROXY_READY_H
#define WYE_PROXY_READY_H

#include <stdbool.h>
#include <stddef.h>

/* False: `why` says what is missing. */
bool ready_now(char *why, size_t n);

/* While draining it is not ready, so that no new clients are sent here. */
void ready_set_draining(bool draining);
bool ready_is_draining(void);

#endif
