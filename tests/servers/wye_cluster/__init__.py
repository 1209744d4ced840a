"""Real servers for tests, the quickstart and benchmarks: one primary and its replicas, with GTID.

    from wye_cluster import Cluster             # with tests/servers on sys.path

    with Cluster("mariadb", replicas=2) as c:   # up() on entry, down() on exit; or call them yourself
        c.monitor_url()                         # mysql://monitor:monitor@127.0.0.1:PORT, what wye is started with
        c.sql(c.primary, "INSERT INTO app.t VALUES (1)")         # as root over the socket
        c.sql("replica1", "SELECT a FROM app.t", user="app")     # [{'a': '1'}]; values are str or None
        c.wait_caught_up()                      # every replica has what the primary has
        c.lag("replica1", 5); c.stop_sql("replica2"); c.kill("primary"); c.start("primary")

A server may be given by name ("primary", "replica1", ...) or as the object in c.servers. The accounts' passwords
are their names: app (databases app, app2 and any app_..., cannot write where read_only is set), sbtest (database
sbtest), monitor (the least wye needs), admin (everything), repl. On MySQL they use caching_sha2_password, on
MariaDB mysql_native_password.

A cluster lives in a folder of its own (state_directory()/FLAVOR unless told) with cluster.json in it; Cluster.load
finds it again from another process. Errors are ClusterError (one clear line) and SqlError (has .code).
"""

from .cluster import Cluster, ClusterError, state_directory
from .server import Server, ServerError
from .sql_client import SqlError

__all__ = ["Cluster", "ClusterError", "Server", "ServerError", "SqlError", "state_directory"]
