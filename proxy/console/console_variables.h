/*
 * What clients ask any MySQL server for: system variables. The values say what this console is like; the settings of
 * wye are variables too.
 */
#ifndef WYE_PROXY_CONSOLE_VARIABLES_H
#define WYE_PROXY_CONSOLE_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

#define CONSOLE_SERVER_VERSION "8.0.40-wye-" WYE_VERSION
#define CONSOLE_SCHEMA "wye"

/* Any case, no "@@", no scope. False when there is no such variable. *number is set where the value is a number. */
bool console_variable_get(const char *name, char *value, size_t value_size, bool *is_number);
const char *console_variable_nearest(const char *name);

/* A variable of MySQL (not a setting): clients set such ones at connect, and it makes no difference here. */
bool console_variable_is_session(const char *name);

#endif
