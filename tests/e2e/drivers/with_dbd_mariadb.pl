#!/usr/bin/perl
# Perl DBD::MariaDB: the steps of README.md; WYE_E2E_MODE is `text` or `native` (prepared on the server).
use strict;
use warnings;
use utf8;
use DBI;
use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8);

$| = 1;
binmode STDOUT, ':utf8';

sub e { return $ENV{"WYE_E2E_$_[0]"} // '' }
my $table = e('TABLE');

sub dial {
	# The client library verifies whatever it insists on; so it does not, and whoever runs this sees to it.
	my $tls = e('TLS') eq '1' ? ';mariadb_ssl=1;mariadb_ssl_optional=1;mariadb_ssl_verify_server_cert=0' : '';
	my $prepare = e('MODE') eq 'native' ? ';mariadb_server_prepare=1' : '';
	return DBI->connect(
		sprintf('DBI:MariaDB:host=%s;port=%s;database=%s;mariadb_multi_statements=1;mariadb_connect_timeout=30%s%s',
			e('HOST'), e('PORT'), e('DATABASE'), $tls, $prepare),
		e('USER'), $_[0] // e('PASSWORD'), { RaiseError => 1, PrintError => 0, AutoCommit => 1 });
}

sub show {
	my $value = shift;
	return 'undef' unless defined $value;
	my $bytes = utf8::is_utf8($value) ? encode_utf8($value) : $value;
	my $kind = utf8::is_utf8($value) ? 'text' : 'bytes';
	return "$kind " . length($value) . ' ' . sha256_hex($bytes) if length $bytes > 400;
	return $kind . ' ' . ($bytes =~ /^[ -~]*\z/ ? $bytes : unpack 'H*', $bytes);
}

sub dump_set {
	my $s = shift;
	print 'affected ', $s->rows, ' warnings ', $s->{mariadb_warning_count} // '', "\n";
	return unless $s->{NUM_OF_FIELDS};
	for my $i (0 .. $s->{NUM_OF_FIELDS} - 1) {
		print join(' ', 'column', $s->{NAME}[$i], $s->{TYPE}[$i], $s->{mariadb_type_name}[$i], $s->{PRECISION}[$i],
			$s->{NULLABLE}[$i] ? 1 : 0, $s->{mariadb_is_blob}[$i] ? 1 : 0, $s->{mariadb_is_key}[$i] ? 1 : 0), "\n";
	}
	while (my $row = $s->fetchrow_arrayref) {
		print '   ', show($_), "\n" for @$row;
		print "   --\n";
	}
}

# The driver has several results only of text statements.
sub ask {
	my ($c, $statement, @values) = @_;
	my $several = $statement =~ /^CALL|;/;
	my $s = $several ? $c->prepare($statement, { mariadb_server_prepare => 0 }) : $c->prepare($statement);
	$s->execute(@values);
	dump_set($s);
	while ($several && $s->more_results) { dump_set($s) }
	$s->finish;
}

sub attempt {
	my $work = shift;
	eval { $work->(); 1 } or do {
		print join(' ', 'error', $DBI::err // '', $DBI::state // '', $DBI::errstr // $@), "\n";
	};
}

my %steps = (
	session => sub {
		my $c = shift;
		ask($c, 'SELECT DATABASE(), CURRENT_USER(), @@character_set_client, @@collation_connection, @@autocommit, VERSION()');
		print $c->{mariadb_serverinfo}, ' ', $c->ping ? 'alive' : 'gone', "\n";
	},
	types => sub {
		my $c = shift;
		# Rows of a type that the client library does not know make it call nowhere when they come prepared.
		for my $name ('all_types', e('MODE') eq 'native' ? 'known_types' : 'new_types') {
			attempt(sub { ask($c, "SELECT * FROM $name ORDER BY id") });
			attempt(sub { ask($c, "SELECT * FROM $name WHERE id >= ? ORDER BY id", 1) });
		}
	},
	write => sub {
		my $c = shift;
		$c->do("DROP TABLE IF EXISTS $table");
		$c->do("CREATE TABLE $table (id INT PRIMARY KEY AUTO_INCREMENT, i BIGINT, d DOUBLE, n DECIMAL(20,5), s TEXT, b BLOB, t DATETIME(6))");
		my $s = $c->prepare("INSERT INTO $table (i, d, n, s, b, t) VALUES (?, ?, ?, ?, ?, ?)");
		my $add = sub {
			my @values = @_;
			$s->bind_param(1, $values[0], DBI::SQL_BIGINT());
			$s->bind_param(2, $values[1], DBI::SQL_DOUBLE());
			$s->bind_param(3, $values[2]);
			$s->bind_param(4, $values[3]);
			$s->bind_param(5, $values[4], DBI::SQL_BLOB());
			$s->bind_param(6, $values[5]);
			print 'affected ', $s->execute, ' id ', $s->last_insert_id, "\n";
		};
		$add->(-5, 0.25, '1.50000', "Grüße '\\\" \x{1f600}", join('', map { chr } 0 .. 255), '2024-02-29 01:02:03.000004');
		$add->((undef) x 6);
		$add->($_, $_ / 2, "$_", "row $_", '', undef) for 0 .. 29;
		ask($c, "SELECT * FROM $table ORDER BY id");
		ask($c, "SELECT * FROM $table WHERE i > ? ORDER BY id", 3);
		ask($c, "UPDATE $table SET i = ? WHERE id > ?", 1, 20);
		ask($c, "DELETE FROM $table WHERE id > ?", 25);
	},
	transaction => sub {
		my $c = shift;
		for my $end (qw(rollback commit)) {
			$c->begin_work;
			ask($c, "INSERT INTO $table (i) VALUES (?)", 1000);
			ask($c, "SELECT COUNT(*) FROM $table WHERE i = ?", 1000);
			$c->$end;
			ask($c, "SELECT COUNT(*) FROM $table WHERE i = ?", 1000);
		}
	},
	procedure => sub {
		my $c = shift;
		ask($c, 'CALL two_sets(3)');
		ask($c, 'CALL two_sets(?)', 2);
	},
	several => sub {
		my $c = shift;
		attempt(sub { ask($c, "SELECT 1 AS a; UPDATE $table SET i = 7 WHERE id = 1; SELECT i FROM $table WHERE id = 1") });
	},
	errors => sub {
		my $c = shift;
		for my $statement ("INSERT INTO $table (id) VALUES (1)", 'SELECT * FROM no_such_table', 'SELEKT 1',
			'SELECT no_such_column FROM all_types', 'INSERT INTO no_such_schema.t VALUES (1)') {
			attempt(sub { ask($c, $statement) });
		}
		ask($c, "SELECT 'still there'");
	},
	many => sub {
		my $c = shift;
		my $from = 'FROM all_types a, all_types b, all_types c, all_types d, all_types e, all_types f, all_types g LIMIT 10000';
		my $s = $c->prepare("SELECT a.id, b.id AS other, c.varchar_255 $from");
		$s->execute;
		print scalar @{ $s->fetchall_arrayref }, "\n";
		$s->finish;
	},
	big => sub {
		my $c = shift;
		my $text = '0123456789abcdef' x (4 << 20);
		my $s = $c->prepare('SELECT ? AS v, 1');
		$s->execute($text);
		my $row = $s->fetchrow_arrayref;
		print join(' ', length $row->[0], sha256_hex($row->[0]), $row->[1], $row->[0] eq $text ? 'same' : 'different'), "\n";
		$s->finish;
	},
	refused => sub {
		attempt(sub { dial('wrong'); print "it was not refused\n" });
	},
);

my $c = dial();
for my $step (split /,/, e('STEPS')) {
	print "# $step\n";
	$steps{$step}->($c);
}
$c->disconnect;
