#include "proxy/scratch.h"

#include <stdlib.h>
#include <sys/mman.h>

void *scratch_take(size_t size)
{
	void *memory = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		abort();
	return memory;
}

void scratch_give(void *memory, size_t size)
{
	munmap(memory, size ? size : 1);
}
