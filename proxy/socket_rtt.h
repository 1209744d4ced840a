/* How far away a peer is. Apart from all that includes netinet/tcp.h, whose struct tcp_info does not tell. */
#ifndef WYE_PROXY_SOCKET_RTT_H
#define WYE_PROXY_SOCKET_RTT_H

#include <stdint.h>

/* us: the least time of late from a packet of ours to its acknowledgement, as the kernel has measured it (tcp(7), TCP_INFO);
 * 0: it is no TCP socket, or the kernel does not tell. */
uint32_t socket_least_rtt_us(int fd);

#endif
