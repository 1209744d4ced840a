/*
 * Reading the stored functions and views from a server, and telling from their texts what they do.
 *
 * A function is known to read when it is declared so (NO SQL, READS SQL DATA) and its body does not say otherwise, or
 * when its body can be read and cannot do more; the servers do not hold a function to what it declares. A view is
 * known to write when its query does. What uses other views and functions is decided after them.
 */
#ifndef WYE_PROXY_OBJECTS_LOAD_H
#define WYE_PROXY_OBJECTS_LOAD_H

#include "proxy/client_library.h"
#include "proxy/objects.h"
#include "router/dialect.h"

/* A set with one reference, or NULL with the reason. *missing: bits 1 << enum duty of GRANTs without which there
 * would be more in it. Blocking. */
struct object_set *objects_load(struct library_connection *c, const struct dialect *dialect, unsigned *missing,
                                struct library_error *error);

#endif
