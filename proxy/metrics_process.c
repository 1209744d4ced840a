/* The process: what was built, memory, time, files. */
#include "proxy/metrics_parts.h"

#include <dirent.h>
#include <math.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "proxy/metrics_text.h"

static double resident_bytes(void)
{
	unsigned long long size, pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");
	if (statm && fscanf(statm, "%llu %llu", &size, &pages) != 2)
		pages = 0;
	if (statm)
		fclose(statm);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static double open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	double n = 0;
	while (directory && readdir(directory))
		n++;
	if (directory)
		closedir(directory);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the directory itself */
}

/* The time the process began: boot time plus field 22 of its stat, in clock ticks. */
static double start_seconds(void)
{
	unsigned long long ticks = 0;
	struct timespec wall, boot;
	FILE *stat = fopen("/proc/self/stat", "re");
	if (stat && fscanf(stat,
			   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
			   "%*d %llu",
			   &ticks) != 1)
		ticks = 0;
	if (stat)
		fclose(stat);
	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	/* To the tick, and so the same at every look. */
	double booted = (double)(wall.tv_sec - boot.tv_sec) + (double)(wall.tv_nsec - boot.tv_nsec) / 1e9;
	return round((booted + (double)ticks / (double)sysconf(_SC_CLK_TCK)) * 10) / 10;
}

static double threads(void)
{
	DIR *directory = opendir("/proc/self/task");
	double n = 0;
	while (directory && readdir(directory))
		n++;
	if (directory)
		closedir(directory);
	return n > 2 ? n - 2 : 0; /* "." and ".." */
}

static double open_files_max(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

void metrics_write_process(FILE *out)
{
	metric_describe(out, "wye_build_info", "gauge", "version,compiler,sqlite,libuv,openssl",
			"The version that runs, and what it was built with.");
	metric_begin(out, "wye_build_info", "version", WYE_VERSION, "compiler", __VERSION__, "sqlite",
		     sqlite3_libversion(), "libuv", uv_version_string(), "openssl",
		     OpenSSL_version(OPENSSL_VERSION_STRING), NULL);
	metric_count(out, 1);
	metric_plain(out, "wye_workers", "gauge", "Worker threads.", stats_workers());
	metric_plain(out, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
	metric_plain(out, "process_cpu_seconds_total", "counter", "User and system time.", cpu_seconds());
	metric_plain(out, "process_threads", "gauge", "Threads of the process.", threads());
	metric_plain(out, "process_open_fds", "gauge", "Open file descriptors.", open_files());
	metric_plain(out, "process_max_fds", "gauge", "File descriptors that may be open.", open_files_max());
	metric_plain(out, "process_start_time_seconds", "gauge", "When the process began, Unix time.",
		     start_seconds());
}
