/* The peak rates of one core: multiply-adds in registers, and reads from a buffer of given size.
   Each function runs for about `seconds` and returns the best rate of its windows, so that time lost
   to other processes does not lower the bound. */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#if defined(__AVX512F__)
#define WIDTH 64
#elif defined(__AVX__)
#define WIDTH 32
#else
#define WIDTH 16
#endif

typedef float floats __attribute__((vector_size(WIDTH)));
typedef int64_t words __attribute__((vector_size(WIDTH)));

#define EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define CHAINS 12 /* more than latency times units anywhere, and 16 registers hold them */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static volatile float kept;

/* FLOP/s in fp32. */
double fma_rate(double seconds) {
  const int turns = 200000;
  floats factor = {0}, term = {0};
  for (size_t i = 0; i < WIDTH / sizeof(float); i++) {
    factor[i] = 0.999f; /* the chains settle at 1: no overflow, no denormals */
    term[i] = 0.001f;
  }
  double best = 0, end = now() + seconds;
  do {
#define BEGIN(n) floats a##n = term * (float)n;
    EACH(BEGIN)
    double began = now();
    for (int turn = 0; turn < turns; turn++) {
#define MULTIPLY(n) a##n = a##n * factor + term;
      EACH(MULTIPLY)
      /* Keeps the compiler from merging turns. */
#define HOLD(n) __asm__ volatile("" : "+x"(a##n));
#if defined(__x86_64__)
      EACH(HOLD)
#endif
    }
    double taken = now() - began;
    float sum = 0;
#define COLLECT(n) sum += a##n[0];
    EACH(COLLECT)
    kept = sum;
    double rate = 2.0 * CHAINS * (WIDTH / sizeof(float)) * turns / taken;
    if (rate > best) best = rate;
  } while (now() < end);
  return best;
}

#if defined(__AVX512BF16__)
#include <immintrin.h>
/* FLOP/s of bf16 products that are summed in fp32. */
double bf16_rate(double seconds) {
  const int turns = 200000;
  __m512bh factor = (__m512bh)_mm512_set1_epi16(0x3f80);
  double best = 0, end = now() + seconds;
  do {
    /* Chains that begin alike are alike, and the compiler would keep only one of them. */
#define BEGIN_BF16(n) __m512 b##n = _mm512_set1_ps((float)n);
    EACH(BEGIN_BF16)
    double began = now();
    for (int turn = 0; turn < turns; turn++) {
#define MULTIPLY_BF16(n) b##n = _mm512_dpbf16_ps(b##n, factor, factor);
      EACH(MULTIPLY_BF16)
#define HOLD_BF16(n) __asm__ volatile("" : "+v"(b##n));
      EACH(HOLD_BF16)
    }
    double taken = now() - began;
    float sum = 0;
#define COLLECT_BF16(n) sum += _mm512_reduce_add_ps(b##n);
    EACH(COLLECT_BF16)
    kept = sum;
    double rate = 4.0 * CHAINS * 16 * turns / taken;
    if (rate > best) best = rate;
  } while (now() < end);
  return best;
}
#else
/* No such instruction: bf16 is widened, and the products are those of fp32. */
double bf16_rate(double seconds) { return fma_rate(seconds); }
#endif

/* Bytes/s of reading `size` bytes at `data`, aligned to 64, again and again. */
double read_rate(const void *data, size_t size, double seconds) {
  const words *all = data;
  const size_t count = size / WIDTH / 8 * 8;
  double best = 0, end = now() + seconds;
  do {
    words sums[8] = {{0}};
    size_t bytes = 0;
    double began = now();
    do { /* a window of at least 2 MB, so that reading the clock costs little */
      for (size_t i = 0; i < count; i += 8)
        for (size_t j = 0; j < 8; j++) sums[j] ^= all[i + j];
      bytes += count * WIDTH;
      __asm__ volatile("" ::: "memory"); /* forces the next read */
    } while (bytes < (2 << 20));
    double taken = now() - began;
    int64_t sum = 0;
    for (size_t j = 0; j < 8; j++) sum ^= sums[j][0];
    kept = (float)sum;
    if (bytes / taken > best) best = bytes / taken;
  } while (now() < end);
  return best;
}
