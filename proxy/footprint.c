#include "proxy/footprint.h"

#include <stdbool.h>
#include <stdio.h>

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* How often the process is looked at, how much of a core it may use to be one that rests, and how much of its files has to
 * have come back to be worth the page faults. */
#define LOOK_MS 3000
#define REST_PART 50
#define WORTH_BYTES ((size_t)2 << 20)

static uv_timer_t timer;
static uint64_t cpu_before; /* microseconds */
static size_t settled;	    /* bytes of files left when they were last given back */

/* The parts that cannot be written to are the file's own, also after relocation. */
static int release_code(struct dl_phdr_info *object, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		if (part->p_type != PT_LOAD || (part->p_flags & PF_W))
			continue;
		uintptr_t from = (uintptr_t)(object->dlpi_addr + part->p_vaddr) & ~(page - 1);
		uintptr_t to = (uintptr_t)(object->dlpi_addr + part->p_vaddr + part->p_memsz);
		/* Refused where pages are locked in memory: they stay then. */
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

/* Bytes of files in memory; 0 if the system does not tell (proc(5), statm). */
static size_t files_resident(void)
{
	unsigned long size, resident, shared = 0;
	FILE *statm = fopen("/proc/self/statm", "re");
	if (!statm)
		return 0;
	if (fscanf(statm, "%lu %lu %lu", &size, &resident, &shared) != 3)
		shared = 0;
	fclose(statm);
	return shared * (size_t)sysconf(_SC_PAGESIZE);
}

static void give_back(void)
{
	malloc_trim(0);
	dl_iterate_phdr(release_code, NULL);
	settled = files_resident();
}

static uint64_t cpu_used(void)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void look(uv_timer_t *handle)
{
	(void)handle;
	uint64_t cpu = cpu_used();
	bool rests = (cpu - cpu_before) * REST_PART < LOOK_MS * 1000;
	cpu_before = cpu;
	if (rests && files_resident() > settled + WORTH_BYTES)
		give_back();
}

int footprint_settle(uv_loop_t *loop)
{
	give_back();
	cpu_before = cpu_used();
	int failed = uv_timer_init(loop, &timer);
	return failed ? failed : uv_timer_start(&timer, look, LOOK_MS, LOOK_MS);
}
