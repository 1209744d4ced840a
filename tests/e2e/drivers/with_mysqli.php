<?php
// PHP mysqli (mysqlnd): the steps of README.md, by text and by prepared statement.
declare(strict_types=1);
ini_set('memory_limit', '2G');
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function e(string $name): string
{
	return (string)getenv("WYE_E2E_$name");
}

function connect(?string $password = null): mysqli
{
	$c = mysqli_init();
	$c->options(MYSQLI_OPT_CONNECT_TIMEOUT, 30);
	$flags = 0;
	if (e('TLS') === '1') {
		$c->ssl_set(null, null, null, null, null);
		$flags = MYSQLI_CLIENT_SSL | MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT;
	}
	@$c->real_connect(e('HOST'), e('USER'), $password ?? e('PASSWORD'), e('DATABASE'), (int)e('PORT'), null, $flags);
	$c->set_charset('utf8mb4');
	return $c;
}

function show(mixed $value): string
{
	if (is_string($value) && strlen($value) > 400)
		return 'long ' . strlen($value) . ' ' . hash('sha256', $value);
	return is_string($value) && !preg_match('//u', $value) ? 'bytes ' . bin2hex($value) : var_export($value, true);
}

function dump(mysqli|mysqli_stmt $from, mysqli_result|bool $result): void
{
	printf("affected %s id %s warnings %s\n", $from->affected_rows, $from->insert_id, $from instanceof mysqli ? $from->warning_count : $from->sqlstate);
	if (is_bool($result))
		return;
	foreach ($result->fetch_fields() as $f)
		printf("column %s %s %s %d %d %d %d\n", $f->name, $f->orgname, $f->table, $f->type, $f->flags & ~MYSQLI_NUM_FLAG, $f->length, $f->decimals);
	while ($row = $result->fetch_row()) {
		foreach ($row as $value)
			echo '   ', show($value), "\n";
		echo "   --\n";
	}
	$result->free();
}

function ask(mysqli $c, string $statement): void
{
	dump($c, $c->query($statement));
}

function execute(mysqli $c, string $statement, string $types = '', array $values = []): void
{
	$s = $c->prepare($statement);
	if ($values)
		$s->bind_param($types, ...$values);
	$s->execute();
	dump($s, $s->get_result());
	$s->close();
}

function attempt(callable $work): void
{
	try {
		$work();
	} catch (mysqli_sql_exception $x) {
		echo 'error ', $x->getCode(), ' ', $x->getSqlState(), ' ', $x->getMessage(), "\n";
	}
}

$steps = [
	'session' => function (mysqli $c) {
		ask($c, 'SELECT DATABASE(), CURRENT_USER(), @@character_set_client, @@collation_connection, @@autocommit, VERSION()');
		echo $c->server_info, ' ', $c->character_set_name(), "\n";
		$c->select_db('app2');
		ask($c, 'SELECT DATABASE()');
		$c->select_db(e('DATABASE'));
		$c->change_user(e('USER'), e('PASSWORD'), e('DATABASE'));
		$c->set_charset('utf8mb4');
		ask($c, 'SELECT DATABASE()');
	},
	'types' => function (mysqli $c) {
		foreach (['all_types', 'known_types'] as $table) {
			ask($c, "SELECT * FROM $table ORDER BY id");
			// mysqlnd knows no other way to say "unknown type" than an error; both ways in must give the same one.
			attempt(fn() => execute($c, "SELECT * FROM $table WHERE id >= ? ORDER BY id", 'i', [1]));
		}
	},
	'write' => function (mysqli $c) {
		$t = e('TABLE');
		ask($c, "DROP TABLE IF EXISTS $t");
		ask($c, "CREATE TABLE $t (id INT PRIMARY KEY AUTO_INCREMENT, i BIGINT, d DOUBLE, n DECIMAL(20,5), s TEXT, b BLOB, t DATETIME(6))");
		$insert = "INSERT INTO $t (i, d, n, s, b, t) VALUES (?, ?, ?, ?, ?, ?)";
		execute($c, $insert, 'idssss', [-5, 0.25, '1.50000', "Grüße '\\\" \u{1f600}", implode('', array_map('chr', range(0, 255))), '2024-02-29 01:02:03.000004']);
		execute($c, $insert, 'idssss', [null, null, null, null, null, null]);
		$s = $c->prepare($insert);
		for ($i = 0; $i < 30; $i++) {
			[$d, $n, $text, $blob, $time] = [$i / 2, (string)$i, "row $i", null, null];
			$s->bind_param('idssbs', $i, $d, $n, $text, $blob, $time);
			$s->send_long_data(4, "long ");
			$s->send_long_data(4, "data $i");
			$s->execute();
			dump($s, false);
		}
		$s->close();
		ask($c, "SELECT * FROM $t ORDER BY id");
		execute($c, "SELECT * FROM $t WHERE i > ? ORDER BY id", 'i', [3]);
		execute($c, "UPDATE $t SET i = ? WHERE id > ?", 'ii', [1, 20]);
		execute($c, "DELETE FROM $t WHERE id > ?", 'i', [25]);
	},
	'transaction' => function (mysqli $c) {
		$t = e('TABLE');
		foreach (['rollback', 'commit'] as $end) {
			$c->begin_transaction();
			execute($c, "INSERT INTO $t (i) VALUES (?)", 'i', [1000]);
			execute($c, "SELECT COUNT(*) FROM $t WHERE i = ?", 'i', [1000]);
			$c->$end();
			execute($c, "SELECT COUNT(*) FROM $t WHERE i = ?", 'i', [1000]);
		}
	},
	'procedure' => function (mysqli $c) {
		$c->multi_query('CALL two_sets(3)');
		do {
			if ($result = $c->store_result())
				dump($c, $result);
		} while ($c->more_results() && $c->next_result());
		$s = $c->prepare('CALL two_sets(?)');
		$n = 2;
		$s->bind_param('i', $n);
		$s->execute();
		do {
			if ($result = $s->get_result())
				dump($s, $result);
		} while ($s->more_results() && $s->next_result());
		$s->close();
	},
	'several' => function (mysqli $c) {
		$t = e('TABLE');
		$c->multi_query("SELECT 1 AS a; UPDATE $t SET i = 7 WHERE id = 1; SELECT i FROM $t WHERE id = 1");
		do {
			dump($c, $c->store_result());
		} while ($c->more_results() && $c->next_result());
	},
	'errors' => function (mysqli $c) {
		$t = e('TABLE');
		foreach (["INSERT INTO $t (id) VALUES (1)", 'SELECT * FROM no_such_table', 'SELEKT 1',
			'SELECT no_such_column FROM all_types', 'INSERT INTO no_such_schema.t VALUES (1)'] as $statement) {
			attempt(fn() => ask($c, $statement));
			attempt(fn() => execute($c, $statement));
		}
		ask($c, "SELECT 'still there'");
	},
	'many' => function (mysqli $c) {
		$from = 'FROM all_types a, all_types b, all_types c, all_types d, all_types e, all_types f, all_types g LIMIT 10000';
		foreach ([MYSQLI_STORE_RESULT, MYSQLI_USE_RESULT] as $mode)
			echo count($c->query("SELECT a.id, b.id AS other, c.varchar_255 $from", $mode)->fetch_all()), "\n";
	},
	'big' => function (mysqli $c) {
		$text = str_repeat('0123456789abcdef', 4 << 20);
		$check = function (array $row) use ($text) {
			echo strlen($row[0]), ' ', hash('sha256', $row[0]), ' ', $row[1], ' ', $row[0] === $text ? 'same' : 'different', "\n";
		};
		$check($c->query("SELECT '$text' AS v, 1")->fetch_row());
		$s = $c->prepare('SELECT ? AS v, 1');
		$s->bind_param('s', $text);
		$s->execute();
		$check($s->get_result()->fetch_row());
	},
	'refused' => function (mysqli $c) {
		attempt(function () {
			connect('wrong');
			echo "it was not refused\n";
		});
	},
];

$c = connect();
foreach (explode(',', e('STEPS')) as $step) {
	echo "# $step\n";
	$steps[$step]($c);
}
$c->close();
