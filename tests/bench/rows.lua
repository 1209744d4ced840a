-- One event: ten thousand rows of sbtest1, read to the end.
require("oltp_common")

function prepare_statements() end

function event()
	con:query("SELECT id, k, c, pad FROM sbtest1 LIMIT 10000")
end
