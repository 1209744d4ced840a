-- One event: a client that connects, logs in, selects one row and goes.
require("oltp_common")

function thread_init()
	driver = sysbench.sql.driver()
end

function thread_done() end

function event()
	local session = driver:connect()
	session:query("SELECT c FROM sbtest1 WHERE id = 1")
	session:disconnect()
end
