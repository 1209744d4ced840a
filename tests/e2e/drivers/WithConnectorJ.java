import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.HexFormat;

/** MariaDB Connector/J: the steps of README.md; WYE_E2E_MODE is `text` or `native` (useServerPrepStmts). */
public class WithConnectorJ {
	interface Work {
		void run() throws Exception;
	}

	static String e(String name) {
		String value = System.getenv("WYE_E2E_" + name);
		return value == null ? "" : value;
	}

	static final String TABLE = e("TABLE");

	static Connection connect(String password) throws SQLException {
		return connect(password, "");
	}

	static Connection connect(String password, String more) throws SQLException {
		String url = "jdbc:mariadb://" + e("HOST") + ":" + e("PORT") + "/" + e("DATABASE") + "?user=" + e("USER") + "&password="
			+ password + "&allowMultiQueries=true&allowPublicKeyRetrieval=true&serverTimezone=UTC&connectTimeout=30000"
			+ "&useServerPrepStmts=" + e("MODE").equals("native")
			+ (e("TLS").equals("1") ? "&useSsl=true&trustServerCertificate=true" : "") + more;
		return DriverManager.getConnection(url);
	}

	static String sha(byte[] bytes) throws Exception {
		return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
	}

	static String show(Object value) throws Exception {
		if (value instanceof byte[] bytes)
			return "bytes " + (bytes.length > 400 ? bytes.length + " " + sha(bytes) : HexFormat.of().formatHex(bytes));
		if (value instanceof String text && text.length() > 400)
			return "text " + text.length() + " " + sha(text.getBytes(StandardCharsets.UTF_8));
		return value == null ? "null" : value.getClass().getSimpleName() + " " + value;
	}

	static void dump(ResultSet rows) throws Exception {
		ResultSetMetaData meta = rows.getMetaData();
		for (int i = 1; i <= meta.getColumnCount(); i++)
			System.out.println("column " + meta.getColumnLabel(i) + " " + meta.getTableName(i) + " " + meta.getColumnType(i) + " "
				+ meta.getColumnTypeName(i) + " " + meta.getPrecision(i) + " " + meta.getScale(i) + " " + meta.isSigned(i) + " "
				+ meta.isNullable(i));
		while (rows.next()) {
			for (int i = 1; i <= meta.getColumnCount(); i++) {
				String shown;
				try {
					shown = show(rows.getObject(i));
				} catch (SQLException x) {
					shown = "cannot: " + x.getMessage();
				}
				System.out.println("   " + shown + " | " + (rows.getBytes(i) == null ? "null" : sha(rows.getBytes(i)).substring(0, 16)));
			}
			System.out.println("   --");
		}
		rows.close();
	}

	static void results(Statement s, boolean rows) throws Exception {
		while (rows || s.getUpdateCount() != -1) {
			if (rows)
				dump(s.getResultSet());
			else
				System.out.println("affected " + s.getUpdateCount());
			rows = s.getMoreResults();
		}
	}

	static void ask(Connection c, String statement) throws Exception {
		try (Statement s = c.createStatement()) {
			results(s, s.execute(statement));
			System.out.println("warnings " + s.getWarnings());
		}
	}

	static void execute(Connection c, String statement, Object... values) throws Exception {
		try (PreparedStatement s = c.prepareStatement(statement)) {
			for (int i = 0; i < values.length; i++)
				s.setObject(i + 1, values[i]);
			results(s, s.execute());
		}
	}

	static void attempt(Work work) throws Exception {
		try {
			work.run();
		} catch (SQLException x) {
			// The driver puts the connection's number in front of a message, and names the port it has connected to.
			System.out.println("error " + x.getErrorCode() + " " + x.getSQLState() + " "
				+ x.getMessage().replaceAll("\\(conn=\\d+\\) ", "").replaceAll("port=\\d+", "port"));
		}
	}

	static void insert(PreparedStatement s, Object... values) throws Exception {
		for (int i = 0; i < values.length; i++)
			if (values[i] == null)
				s.setNull(i + 1, Types.VARCHAR);
			else
				s.setObject(i + 1, values[i]);
		System.out.println("affected " + s.executeUpdate());
		try (ResultSet keys = s.getGeneratedKeys()) {
			keys.next();
			System.out.println("id " + keys.getLong(1));
		}
	}

	/** The ways the driver has to send a batch: one long statement, rows in bulk, many commands without waiting. */
	static void batches() throws Exception {
		for (String way : new String[] {"&rewriteBatchedStatements=true", "&useBulkStmts=true", "&useBulkStmts=false&useBatchMultiSend=true",
			"&useBulkStmts=false&useBatchMultiSend=false"}) {
			try (Connection c = connect(e("PASSWORD"), way);
				 PreparedStatement s = c.prepareStatement("INSERT INTO " + TABLE + " (i, s) VALUES (?, ?)")) {
				for (int i = 0; i < 300; i++) {
					s.setInt(1, 5000 + i);
					s.setString(2, i % 7 == 0 ? null : "batch " + i);
					s.addBatch();
				}
				System.out.println(way + " " + s.executeBatch().length);
				ask(c, "SELECT COUNT(*), COUNT(s), SUM(i) FROM " + TABLE + " WHERE i >= 5000");
				ask(c, "DELETE FROM " + TABLE + " WHERE i >= 5000");
			}
		}
	}

	static void step(String name, Connection c) throws Exception {
		switch (name) {
		case "session" -> {
			ask(c, "SELECT DATABASE(), CURRENT_USER(), @@character_set_client, @@collation_connection, @@autocommit, VERSION()");
			System.out.println(c.getMetaData().getDatabaseProductVersion() + " " + c.isValid(10) + " " + c.getTransactionIsolation());
			c.setCatalog("app2");
			ask(c, "SELECT DATABASE()");
			c.setCatalog(e("DATABASE"));
		}
		case "types" -> {
			for (String table : new String[] {"all_types", "new_types"}) {
				ask(c, "SELECT * FROM " + table + " ORDER BY id");
				execute(c, "SELECT * FROM " + table + " WHERE id >= ? ORDER BY id", 1);
			}
		}
		case "write" -> {
			ask(c, "DROP TABLE IF EXISTS " + TABLE);
			ask(c, "CREATE TABLE " + TABLE + " (id INT PRIMARY KEY AUTO_INCREMENT, i BIGINT, d DOUBLE, n DECIMAL(20,5), s TEXT,"
				+ " b BLOB, t DATETIME(6))");
			String statement = "INSERT INTO " + TABLE + " (i, d, n, s, b, t) VALUES (?, ?, ?, ?, ?, ?)";
			byte[] bytes = new byte[256];
			for (int i = 0; i < 256; i++)
				bytes[i] = (byte)i;
			try (PreparedStatement s = c.prepareStatement(statement, Statement.RETURN_GENERATED_KEYS)) {
				insert(s, -5L, 0.25, new BigDecimal("1.50000"), "Gr\u00fc\u00dfe '\\\" \ud83d\ude00", bytes, "2024-02-29 01:02:03.000004");
				insert(s, null, null, null, null, null, null);
				for (int i = 0; i < 30; i++)
					insert(s, (long)i, i / 2.0, new BigDecimal(i), "row " + i, new byte[0], null);
			}
			try (PreparedStatement s = c.prepareStatement(statement)) {
				for (int i = 0; i < 20; i++) {
					Object[] values = {(long)i, i / 2.0, new BigDecimal(i), "batch " + i, bytes, "2024-02-29 01:02:03"};
					for (int j = 0; j < values.length; j++)
						s.setObject(j + 1, values[j]);
					s.addBatch();
				}
				System.out.println("batch of " + s.executeBatch().length);
			}
			ask(c, "SELECT * FROM " + TABLE + " ORDER BY id");
			execute(c, "SELECT * FROM " + TABLE + " WHERE i > ? ORDER BY id", 3);
			execute(c, "UPDATE " + TABLE + " SET i = ? WHERE id > ?", 1, 20);
			execute(c, "DELETE FROM " + TABLE + " WHERE id > ?", 25);
			batches();
		}
		case "transaction" -> {
			for (boolean commit : new boolean[] {false, true}) {
				c.setAutoCommit(false);
				execute(c, "INSERT INTO " + TABLE + " (i) VALUES (?)", 1000);
				execute(c, "SELECT COUNT(*) FROM " + TABLE + " WHERE i = ?", 1000);
				if (commit)
					c.commit();
				else
					c.rollback();
				c.setAutoCommit(true);
				execute(c, "SELECT COUNT(*) FROM " + TABLE + " WHERE i = ?", 1000);
			}
			c.setReadOnly(true);
			c.setAutoCommit(false);
			execute(c, "SELECT COUNT(*) FROM " + TABLE + " WHERE i = ?", 1000);
			c.commit();
			c.setAutoCommit(true);
			c.setReadOnly(false);
		}
		case "procedure" -> {
			ask(c, "CALL two_sets(3)");
			try (CallableStatement s = c.prepareCall("{CALL two_sets(?)}")) {
				s.setInt(1, 2);
				results(s, s.execute());
			}
		}
		case "several" -> ask(c, "SELECT 1 AS a; UPDATE " + TABLE + " SET i = 7 WHERE id = 1; SELECT i FROM " + TABLE + " WHERE id = 1");
		case "errors" -> {
			for (String statement : new String[] {"INSERT INTO " + TABLE + " (id) VALUES (1)", "SELECT * FROM no_such_table", "SELEKT 1",
				"SELECT no_such_column FROM all_types", "INSERT INTO no_such_schema.t VALUES (1)"}) {
				attempt(() -> ask(c, statement));
				attempt(() -> execute(c, statement));
			}
			ask(c, "SELECT 'still there'");
		}
		case "many" -> {
			for (int size : new int[] {0, 100}) {
				try (PreparedStatement s = c.prepareStatement("SELECT a.id, b.id AS other, c.varchar_255 FROM all_types a, all_types b,"
					+ " all_types c, all_types d, all_types e, all_types f, all_types g LIMIT 10000")) {
					s.setFetchSize(size);
					int n = 0;
					try (ResultSet rows = s.executeQuery()) {
						while (rows.next())
							n++;
					}
					System.out.println(n);
				}
			}
		}
		case "big" -> {
			String text = "0123456789abcdef".repeat(4 << 20);
			try (PreparedStatement s = c.prepareStatement("SELECT ? AS v, 1")) {
				s.setString(1, text);
				try (ResultSet rows = s.executeQuery()) {
					rows.next();
					byte[] bytes = rows.getBytes(1);
					System.out.println(bytes.length + " " + sha(bytes) + " " + rows.getInt(2));
				}
			}
		}
		case "refused" -> attempt(() -> {
			connect("wrong").close();
			System.out.println("it was not refused");
		});
		default -> throw new IllegalArgumentException(name);
		}
	}

	public static void main(String[] arguments) throws Exception {
		try (Connection c = connect(e("PASSWORD"))) {
			for (String name : e("STEPS").split(",")) {
				System.out.println("# " + name);
				step(name, c);
			}
		}
	}
}
