// node's mysql2: the steps of README.md, by text (query) and by prepared statement (execute).
'use strict';
const crypto = require('crypto');
const mysql = require('mysql2/promise');

const E = name => process.env['WYE_E2E_' + name];
const TABLE = E('TABLE');

function connect(password) {
	return mysql.createConnection({
		host: E('HOST'), port: Number(E('PORT')), user: E('USER'), password: password || E('PASSWORD'),
		database: E('DATABASE'), charset: 'utf8mb4', multipleStatements: true, dateStrings: true,
		supportBigNumbers: true, bigNumberStrings: true,
		ssl: E('TLS') === '1' ? { rejectUnauthorized: false } : undefined,
	});
}

function show(value) {
	if (Buffer.isBuffer(value))
		return 'buffer ' + (value.length > 400 ? crypto.createHash('sha256').update(value).digest('hex') : value.toString('hex'));
	return typeof value + ' ' + JSON.stringify(value);
}

function dump([rows, fields]) {
	if (!Array.isArray(rows)) {
		console.log('affected', rows.affectedRows, 'id', rows.insertId, 'info', rows.info, 'warnings', rows.warningStatus);
		return;
	}
	if (fields && fields.length && Array.isArray(fields[0]) || rows.some(r => Array.isArray(r) || (r && r.constructor && r.constructor.name === 'ResultSetHeader'))) {
		rows.forEach((one, i) => dump([one, fields[i]]));
		return;
	}
	console.log('columns', fields.map(f => `${f.name} ${f.columnType} ${f.flags} ${f.columnLength} ${f.decimals} ${f.characterSet}`).join(', '));
	for (const row of rows)
		console.log('row', Object.keys(row).map(name => `${name}=${show(row[name])}`).join('\n    '));
}

async function attempt(work) {
	try {
		dump(await work());
	} catch (error) {
		console.log('error', error.errno, error.code, error.sqlState, error.sqlMessage || error.message);
	}
}

const steps = {
	async session(c) {
		dump(await c.query('SELECT DATABASE(), CURRENT_USER(), @@character_set_client, @@collation_connection, @@autocommit, VERSION()'));
		await c.ping();
	},
	async types(c) {
		for (const table of ['all_types', 'new_types']) {
			dump(await c.query(`SELECT * FROM ${table} ORDER BY id`));
			dump(await c.execute(`SELECT * FROM ${table} WHERE id >= ? ORDER BY id`, [1]));
		}
	},
	async write(c) {
		dump(await c.query(`DROP TABLE IF EXISTS ${TABLE}`));
		dump(await c.query(`CREATE TABLE ${TABLE} (id INT PRIMARY KEY AUTO_INCREMENT, i BIGINT, d DOUBLE, n DECIMAL(20,5), s TEXT, b BLOB, t DATETIME(6))`));
		const insert = `INSERT INTO ${TABLE} (i, d, n, s, b, t) VALUES (?, ?, ?, ?, ?, ?)`;
		dump(await c.execute(insert, [-5, 0.25, '1.50000', 'Grüße \'\\" \u{1f600}', Buffer.from([...Array(256).keys()]), '2024-02-29 01:02:03.000004']));
		dump(await c.execute(insert, [null, null, null, null, null, null]));
		for (let i = 0; i < 30; i++)
			dump(await c.execute(insert, [String(i), i / 2, i, '' + i, Buffer.alloc(0), new Date(Date.UTC(2024, 1, 29, 1, 2, 3, 4))]));
		dump(await c.query(insert, [7, 0.5, 7, 'text', Buffer.from([0, 255]), null]));
		dump(await c.query(`SELECT * FROM ${TABLE} ORDER BY id`));
		dump(await c.execute(`SELECT * FROM ${TABLE} WHERE i > ? ORDER BY id`, [3]));
		dump(await c.execute(`UPDATE ${TABLE} SET i = ? WHERE id > ?`, [1, 20]));
		dump(await c.execute(`DELETE FROM ${TABLE} WHERE id > ?`, [25]));
	},
	async transaction(c) {
		for (const end of ['rollback', 'commit']) {
			await c.beginTransaction();
			dump(await c.execute(`INSERT INTO ${TABLE} (i) VALUES (?)`, [1000]));
			dump(await c.execute(`SELECT COUNT(*) AS n FROM ${TABLE} WHERE i = ?`, [1000]));
			await c[end]();
			dump(await c.execute(`SELECT COUNT(*) AS n FROM ${TABLE} WHERE i = ?`, [1000]));
		}
	},
	async procedure(c) {
		dump(await c.query('CALL two_sets(3)'));
		dump(await c.execute('CALL two_sets(?)', [2]));
	},
	async several(c) {
		dump(await c.query(`SELECT 1 AS a; UPDATE ${TABLE} SET i = 7 WHERE id = 1; SELECT i FROM ${TABLE} WHERE id = 1`));
	},
	async errors(c) {
		for (const statement of [`INSERT INTO ${TABLE} (id) VALUES (1)`, 'SELECT * FROM no_such_table', 'SELEKT 1',
			'SELECT no_such_column FROM all_types', 'INSERT INTO no_such_schema.t VALUES (1)']) {
			await attempt(() => c.query(statement));
			await attempt(() => c.execute(statement));
		}
		dump(await c.query("SELECT 'still there'"));
	},
	async many(c) {
		const from = 'FROM all_types a, all_types b, all_types c, all_types d, all_types e, all_types f, all_types g LIMIT 10000';
		for (const way of ['query', 'execute']) {
			const [rows] = await c[way](`SELECT a.id, b.id AS other, c.varchar_255 ${from}`);
			console.log(rows.length);
		}
	},
	async big(c) {
		const text = '0123456789abcdef'.repeat(4 << 20);
		for (const way of ['query', 'execute']) {
			const [[row]] = await c[way]('SELECT ? AS v, 1 AS one', [text]);
			const value = String(row.v);
			console.log(value.length, crypto.createHash('sha256').update(value).digest('hex'), row.one, value === text);
		}
	},
	async refused() {
		await attempt(async () => {
			const c = await connect('wrong');
			await c.end();
			return [{ info: 'it was not refused' }];
		});
	},
};

(async () => {
	const c = await connect();
	for (const step of E('STEPS').split(',')) {
		console.log('#', step);
		await steps[step](c);
	}
	await c.end();
})().catch(error => {
	console.error(error);
	process.exit(1);
});
