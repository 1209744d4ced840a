<?php
/*
 * wp-content/db.php for a WordPress behind wye: who has written something sees it on the next page, and everybody else
 * reads from any replica.
 *
 * WordPress opens a connection for each page, so what the last page wrote is another session's. Whoever sends
 * something gets a cookie, and what is in it is the causal key of all his pages: their reads have seen what was
 * written under it. A page that is sent itself reads from the primary: what it changes, and what it changes it from
 * (a post that is commented, an option that is a list), must be the newest.
 */

class wye_wpdb extends wpdb {
	public function db_connect( $allow_bail = true ) {
		$connected = parent::db_connect( $allow_bail );
		$sends     = ! in_array( $_SERVER['REQUEST_METHOD'] ?? 'GET', array( 'GET', 'HEAD', 'OPTIONS' ), true );
		$key       = self::key( $sends );
		if ( $connected && $key ) {
			$this->query( "SET @wye_causal_key = '$key'" . ( $sends ? ", @wye_consistency = 'primary'" : '' ) );
		}
		return $connected;
	}

	private static function key( $sends ) {
		if ( ! preg_match( '/^[0-9a-f]{32}$/D', $_COOKIE['wye_key'] ?? '' ) ) {
			if ( ! $sends ) {
				return null;
			}
			$_COOKIE['wye_key'] = bin2hex( random_bytes( 16 ) );
			if ( ! headers_sent() ) {
				setcookie( 'wye_key', $_COOKIE['wye_key'], array( 'path' => '/', 'httponly' => true, 'samesite' => 'Lax' ) );
			}
		}
		return $_COOKIE['wye_key'];
	}
}

$wpdb = new wye_wpdb( DB_USER, DB_PASSWORD, DB_NAME, DB_HOST );
