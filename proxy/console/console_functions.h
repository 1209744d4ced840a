/* The functions of MySQL that its clients call, for sqlite. */
#ifndef WYE_PROXY_CONSOLE_FUNCTIONS_H
#define WYE_PROXY_CONSOLE_FUNCTIONS_H

#include "proxy/console/console_catalog.h"

#define CONSOLE_NO_VARIABLE "There is no variable" /* how the error of mysql_variable() begins */

bool console_functions_add(struct console_catalog *c);

#endif
