#include "proxy/sequence_reads.h"

_Atomic bool sequence_reads_any;

void sequence_reads_note(void)
{
	if (!sequence_reads_happen())
		atomic_store(&sequence_reads_any, true);
}
