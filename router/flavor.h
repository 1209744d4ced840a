/* The two dialects and replication systems wye speaks to. A cluster is of one flavor. */
#ifndef WYE_ROUTER_FLAVOR_H
#define WYE_ROUTER_FLAVOR_H

enum flavor { FLAVOR_MYSQL, FLAVOR_MARIADB };

#endif
