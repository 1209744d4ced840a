<?php
// PHP PDO: the steps of README.md; WYE_E2E_MODE is `emulated` (text) or `native` (prepared statements).
declare(strict_types=1);
ini_set('memory_limit', '2G');

function e(string $name): string
{
	return (string)getenv("WYE_E2E_$name");
}

function connect(?string $password = null): PDO
{
	$options = [PDO::ATTR_EMULATE_PREPARES => e('MODE') === 'emulated', PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
		PDO::ATTR_TIMEOUT => 30];
	if (e('TLS') === '1')
		$options += [PDO::MYSQL_ATTR_SSL_CA => e('CA'), PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => false];
	return new PDO(sprintf('mysql:host=%s;port=%s;dbname=%s;charset=utf8mb4', e('HOST'), e('PORT'), e('DATABASE')), e('USER'),
		$password ?? e('PASSWORD'), $options);
}

function show(mixed $value): string
{
	if (is_string($value) && strlen($value) > 400)
		return 'long ' . strlen($value) . ' ' . hash('sha256', $value);
	return is_string($value) && !preg_match('//u', $value) ? 'bytes ' . bin2hex($value) : var_export($value, true);
}

function dump(PDOStatement $s): void
{
	echo 'affected ', $s->rowCount(), "\n";
	for ($i = 0; $i < $s->columnCount(); $i++) {
		$m = $s->getColumnMeta($i);
		echo 'column ', json_encode([$m['name'], $m['table'] ?? null, $m['native_type'] ?? null, $m['flags'] ?? null, $m['len'], $m['precision']]), "\n";
	}
	if ($s->columnCount() === 0)
		return;
	foreach ($s->fetchAll(PDO::FETCH_NUM) as $row) {
		foreach ($row as $value)
			echo '   ', show($value), "\n";
		echo "   --\n";
	}
}

function ask(PDO $c, string $statement, array $values = []): void
{
	$s = $values ? $c->prepare($statement) : $c->query($statement);
	foreach ($values as $i => $value)
		$s->bindValue($i + 1, $value, match (true) {
			is_int($value) => PDO::PARAM_INT, is_null($value) => PDO::PARAM_NULL, is_bool($value) => PDO::PARAM_BOOL,
			default => PDO::PARAM_STR });
	if ($values)
		$s->execute();
	do {
		dump($s);
	} while ($s->nextRowset());
	$s->closeCursor();
}

function attempt(callable $work): void
{
	try {
		$work();
	} catch (PDOException $x) {
		echo 'error ', $x->getCode(), ' ', $x->getMessage(), ' ', json_encode($x->errorInfo), "\n";
	}
}

$steps = [
	'session' => function (PDO $c) {
		ask($c, 'SELECT DATABASE(), CURRENT_USER(), @@character_set_client, @@collation_connection, @@autocommit, VERSION()');
		echo $c->getAttribute(PDO::ATTR_SERVER_VERSION), "\n";
	},
	'types' => function (PDO $c) {
		foreach (['all_types', 'known_types'] as $table)
			attempt(fn() => ask($c, "SELECT * FROM $table WHERE id >= ? ORDER BY id", [1]));
	},
	'write' => function (PDO $c) {
		$t = e('TABLE');
		ask($c, "DROP TABLE IF EXISTS $t");
		ask($c, "CREATE TABLE $t (id INT PRIMARY KEY AUTO_INCREMENT, i BIGINT, d DOUBLE, n DECIMAL(20,5), s TEXT, b BLOB, t DATETIME(6))");
		$insert = "INSERT INTO $t (i, d, n, s, b, t) VALUES (?, ?, ?, ?, ?, ?)";
		ask($c, $insert, [-5, '0.25', '1.50000', "Grüße '\\\" \u{1f600}", implode('', array_map('chr', range(0, 127))), '2024-02-29 01:02:03.000004']);
		ask($c, $insert, [null, null, null, null, null, null]);
		echo 'id ', $c->lastInsertId(), "\n";
		$s = $c->prepare($insert);
		for ($i = 0; $i < 30; $i++) {
			$s->execute([$i, $i / 2, (string)$i, "row $i", '', null]);
			echo 'id ', $c->lastInsertId(), "\n";
		}
		ask($c, "SELECT * FROM $t ORDER BY id");
		ask($c, "SELECT * FROM $t WHERE i > ? ORDER BY id", [3]);
		ask($c, "UPDATE $t SET i = ? WHERE id > ?", [1, 20]);
		ask($c, "DELETE FROM $t WHERE id > ?", [25]);
	},
	'transaction' => function (PDO $c) {
		$t = e('TABLE');
		foreach (['rollBack', 'commit'] as $end) {
			$c->beginTransaction();
			ask($c, "INSERT INTO $t (i) VALUES (?)", [1000]);
			ask($c, "SELECT COUNT(*) FROM $t WHERE i = ?", [1000]);
			var_dump($c->inTransaction());
			$c->$end();
			var_dump($c->inTransaction());
			ask($c, "SELECT COUNT(*) FROM $t WHERE i = ?", [1000]);
		}
	},
	'procedure' => function (PDO $c) {
		ask($c, 'CALL two_sets(3)');
		ask($c, 'CALL two_sets(?)', [2]);
	},
	'several' => function (PDO $c) {
		$t = e('TABLE');
		attempt(fn() => ask($c, "SELECT 1 AS a; UPDATE $t SET i = 7 WHERE id = 1; SELECT i FROM $t WHERE id = 1"));
	},
	'errors' => function (PDO $c) {
		$t = e('TABLE');
		foreach (["INSERT INTO $t (id) VALUES (1)", 'SELECT * FROM no_such_table', 'SELEKT 1',
			'SELECT no_such_column FROM all_types', 'INSERT INTO no_such_schema.t VALUES (1)'] as $statement) {
			attempt(fn() => ask($c, $statement));
			attempt(fn() => ask($c, "$statement /* ? */", []));
		}
		ask($c, "SELECT 'still there'");
	},
	'many' => function (PDO $c) {
		$from = 'FROM all_types a, all_types b, all_types c, all_types d, all_types e, all_types f, all_types g LIMIT 10000';
		foreach ([true, false] as $buffered) {
			$c->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, $buffered);
			$s = $c->prepare("SELECT a.id, b.id AS other, c.varchar_255 $from");
			$s->execute();
			echo count($s->fetchAll()), "\n";
			$s->closeCursor();
		}
		$c->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, true);
	},
	'big' => function (PDO $c) {
		$text = str_repeat('0123456789abcdef', 4 << 20);
		$s = $c->prepare('SELECT ? AS v, 1');
		$s->execute([$text]);
		$row = $s->fetch(PDO::FETCH_NUM);
		echo strlen($row[0]), ' ', hash('sha256', $row[0]), ' ', $row[1], ' ', $row[0] === $text ? 'same' : 'different', "\n";
	},
	'refused' => function (PDO $c) {
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
