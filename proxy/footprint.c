#include "proxy/footprint.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

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

void footprint_settle(void)
{
	malloc_trim(0);
	dl_iterate_phdr(release_code, NULL);
}
