# Finding what wye links: one line per missing thing, with the command that installs it.

find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
	message(FATAL_ERROR "wye needs pkg-config: apt-get install pkg-config")
endif()

# wye_package(NAME pkg-config-module debian-package): an imported target PkgConfig::NAME, or one line and the end.
function(wye_package name module package)
	pkg_check_modules(${name} QUIET IMPORTED_TARGET GLOBAL ${module})
	if(NOT ${name}_FOUND)
		message(FATAL_ERROR "wye needs ${module}: apt-get install ${package}")
	endif()
endfunction()

wye_package(UV libuv libuv1-dev)
wye_package(SQLITE sqlite3 libsqlite3-dev)
wye_package(CRYPTO openssl libssl-dev)
wye_package(ZLIB zlib zlib1g-dev)
wye_package(ZSTD libzstd libzstd-dev)
wye_package(PCRE libpcre2-8 libpcre2-dev)
wye_package(MICROHTTPD libmicrohttpd libmicrohttpd-dev)
wye_package(CONFIG libconfig libconfig-dev)

# Either client library will do: MariaDB Connector/C (libmariadb) or Oracle's (mysqlclient).
set(WYE_MYSQL_CLIENT auto CACHE STRING "client library for administration: auto, libmariadb or mysqlclient")
if(WYE_MYSQL_CLIENT STREQUAL auto)
	pkg_search_module(MYSQL QUIET IMPORTED_TARGET GLOBAL libmariadb mysqlclient)
	if(NOT MYSQL_FOUND)
		message(FATAL_ERROR "wye needs libmariadb or mysqlclient: apt-get install libmariadb-dev")
	endif()
elseif(WYE_MYSQL_CLIENT STREQUAL mysqlclient)
	wye_package(MYSQL mysqlclient libmysqlclient-dev)
else()
	wye_package(MYSQL libmariadb libmariadb-dev)
endif()

pkg_check_modules(SYSTEMD QUIET IMPORTED_TARGET GLOBAL libsystemd)

find_path(UTHASH uthash.h)
if(NOT UTHASH)
	message(FATAL_ERROR "wye needs uthash: apt-get install uthash-dev")
endif()

find_program(RE2C re2c)
if(NOT RE2C)
	message(FATAL_ERROR "wye needs re2c: apt-get install re2c")
endif()

# The charts of the dashboard.
find_file(CHART_JS chart.min.js PATHS /usr/share/javascript/chart.js /usr/share/nodejs/chart.js/dist NO_DEFAULT_PATH)
if(NOT CHART_JS)
	message(FATAL_ERROR "wye needs Chart.js: apt-get install libjs-chart.js")
endif()

find_package(Threads REQUIRED)
