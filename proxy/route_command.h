/* `wye route`: classifies statements without any server, on the code the data path runs. */
#ifndef WYE_PROXY_ROUTE_COMMAND_H
#define WYE_PROXY_ROUTE_COMMAND_H

/* argv: what follows the word `route` on the command line. Statements from the arguments, or one a line from
 * standard input. Gives the exit status: 0, 1 when standard input or output failed, 2 for a wrong option (one
 * line on standard error). */
int route_command(int argc, char **argv);

#endif
