#define ELMAN_ARCH avx2
#define ELMAN_LANES 8
#define ELMAN_ROWS 3
#include "arch.inc"
