#define ELMAN_ARCH avx512
#define ELMAN_LANES 16
#define ELMAN_ROWS 6
#include "arch.inc"
