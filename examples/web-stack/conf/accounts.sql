-- On the first primary; the replicas get it all by replication. docs/failover.md has the reasons for monitor's rights.
CREATE USER monitor@'10.77.0.%' IDENTIFIED BY '@monitor@';
GRANT SLAVE MONITOR, REPLICATION MASTER ADMIN, REPLICATION SLAVE ADMIN, RELOAD, READ_ONLY ADMIN, CONNECTION ADMIN, PROCESS ON *.* TO monitor@'10.77.0.%';
GRANT SELECT ON mysql.global_priv TO monitor@'10.77.0.%';
GRANT SELECT ON mysql.proc TO monitor@'10.77.0.%';

CREATE USER repl@'10.77.0.%' IDENTIFIED BY '@repl@';
GRANT REPLICATION SLAVE ON *.* TO repl@'10.77.0.%';

CREATE DATABASE notes;
CREATE USER notes@'%' IDENTIFIED BY '@notes@';
GRANT SELECT, INSERT, UPDATE, DELETE ON notes.* TO notes@'%';
CREATE TABLE notes.notes (
	id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	written TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
	text VARCHAR(1000) NOT NULL
);
