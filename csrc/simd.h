// Vectors of floats, and the functions that gates are made of.
// Compiled once per instruction set, each time inside its own namespace ELMAN_ARCH.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace elman::ELMAN_ARCH {

constexpr int kLanes = ELMAN_LANES;

typedef float Vec __attribute__((vector_size(4 * ELMAN_LANES)));
typedef int32_t IntVec __attribute__((vector_size(4 * ELMAN_LANES)));

inline Vec splat(float value) { return Vec{} + value; }

// A float from memory in all lanes, in one instruction where there is one.
inline Vec broadcast(const float* from) {
#if defined(__AVX512F__) && ELMAN_LANES == 16
  return (Vec)_mm512_set1_ps(*from);
#elif defined(__AVX__) && ELMAN_LANES == 8
  return (Vec)_mm256_broadcast_ss(from);
#else
  return splat(*from);
#endif
}

// Keeps a loaded vector in its register; the compiler would otherwise load it again for every use.
inline void keep_in_register(Vec& v) {
#if defined(__x86_64__)
  asm("" : "+v"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
}

inline Vec load(const float* from) {
  Vec v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

inline void store(float* to, Vec v) { std::memcpy(to, &v, sizeof v); }

// Loads the first `count` floats, without reading past them; the other lanes are zero.
#if defined(__AVX512F__) && ELMAN_LANES == 16
inline __mmask16 first_lanes(int count) { return __mmask16((1u << count) - 1); }
inline Vec load(const float* from, int count) {
  return count >= kLanes ? load(from) : (Vec)_mm512_maskz_loadu_ps(first_lanes(count), from);
}
inline void store(float* to, Vec v, int count) {
  if (count >= kLanes) return store(to, v);
  _mm512_mask_storeu_ps(to, first_lanes(count), (__m512)v);
}
#elif defined(__AVX__) && ELMAN_LANES == 8
alignas(32) constexpr int32_t kFirstLanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
inline __m256i first_lanes(int count) {
  return _mm256_loadu_si256((const __m256i*)(kFirstLanes + kLanes - count));
}
inline Vec load(const float* from, int count) {
  return count >= kLanes ? load(from) : (Vec)_mm256_maskload_ps(from, first_lanes(count));
}
inline void store(float* to, Vec v, int count) {
  if (count >= kLanes) return store(to, v);
  _mm256_maskstore_ps(to, first_lanes(count), (__m256)v);
}
#else
inline Vec load(const float* from, int count) {
  if (count >= kLanes) return load(from);
  Vec v{};
  std::memcpy(&v, from, sizeof(float) * count);
  return v;
}
inline void store(float* to, Vec v, int count) {
  if (count >= kLanes) return store(to, v);
  std::memcpy(to, &v, sizeof(float) * count);
}
#endif

// The sums of all lanes of four vectors.
typedef float Four __attribute__((vector_size(16)));
inline Four sums(Vec a, Vec b, Vec c, Vec d) {
#if defined(__AVX__) && ELMAN_LANES >= 8
#if ELMAN_LANES == 16
  auto half = [](Vec v) {
    __m256 halves[2];
    std::memcpy(halves, &v, sizeof v);
    return _mm256_add_ps(halves[0], halves[1]);
  };
#else
  auto half = [](Vec v) { return (__m256)v; };
#endif
  __m256 all = _mm256_hadd_ps(_mm256_hadd_ps(half(a), half(b)), _mm256_hadd_ps(half(c), half(d)));
  return (Four)_mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
#else
  Four total{};
  for (int i = 0; i < kLanes; ++i) total += Four{a[i], b[i], c[i], d[i]};
  return total;
#endif
}

// Transposes in place: for S = 1, 2, 4, …, swaps the off-diagonal blocks of S numbers of each two
// rows that are S apart.
template <int S, int... J>
inline void swap_blocks(Vec& a, Vec& b, std::integer_sequence<int, J...>) {
  const Vec up = __builtin_shufflevector(a, b, (J & S ? kLanes + J - S : J)...);
  b = __builtin_shufflevector(a, b, (J & S ? kLanes + J : J + S)...);
  a = up;
}
template <int S = 1>
inline void transpose(Vec (&rows)[kLanes]) {
  if constexpr (S < kLanes) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if (!(i & S)) swap_blocks<S>(rows[i], rows[i + S], std::make_integer_sequence<int, kLanes>{});
    }
    transpose<2 * S>(rows);
  }
}

inline Vec select(IntVec where, Vec yes, Vec no) { return where ? yes : no; }

// The second argument where either is NaN, as the instructions do.
inline Vec larger(Vec a, Vec b) {
#if defined(__AVX__) && ELMAN_LANES == 8
  return (Vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return select(a > b, a, b);
#endif
}
inline Vec smaller(Vec a, Vec b) {
#if defined(__AVX__) && ELMAN_LANES == 8
  return (Vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return select(a < b, a, b);
#endif
}

// x = n ln 2 + r with n whole and |r| <= ln 2 / 2; gives 2^n and e^r - 1.
struct Split {
  Vec power;
  Vec rest;
};

inline Split split_exponential(Vec x) {
  const float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds, and leaves n in the low bits
  const Vec rounded = x * 1.44269504088896341f + magic;
  const Vec n = rounded - magic;
  Vec r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  // e^r - 1 = r + r^2 (1/2 + r/6 + ...), minimax on |r| <= 0.3466
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  Vec rest = p * (r * r) + r;
  return {(Vec)(((IntVec)rounded << 23) + 0x3f800000), rest};
}

inline Vec sigmoid(Vec x) {
  Split e = split_exponential(smaller(splat(87.0f), larger(splat(-87.0f), -x)));
  return 1.0f / (1.0f + (e.power + e.power * e.rest));
}

// With t = e^2|x| - 1: t / (t + 2), which keeps small x to the last bit but one, and from 1/2 on
// 1 - 2 / (t + 2), which keeps what is left to 1: gradients are made of that.
inline Vec tanh(Vec x) {
  const IntVec sign = (IntVec)x & INT32_MIN;
  const Vec twice = (Vec)((IntVec)(x + x) ^ sign);
  Split e = split_exponential(smaller(splat(20.0f), twice));
  Vec t = e.power * e.rest + (e.power - 1.0f);
  const IntVec large = twice > splat(1.0f);
  Vec part = select(large, splat(2.0f), t) / (t + 2.0f);
  return (Vec)((IntVec)select(large, 1.0f - part, part) | sign);
}

}  // namespace elman::ELMAN_ARCH
