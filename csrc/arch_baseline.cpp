#define ELMAN_ARCH baseline
#define ELMAN_LANES 4
#define ELMAN_ROWS 3
#include "arch.inc"
