// C += A^T B over many rows: what the gradients of weights are made of.
#pragma once

#include "simd.h"

namespace elman::ELMAN_ARCH {

// A tile of C: this many of A's columns by two vectors of B's, with AVX2 12 of 16 registers.
constexpr int kOuterRows = 2 * ELMAN_ROWS;
constexpr int kOuterVecs = 2;
constexpr int kOuterWidth = kOuterVecs * kLanes;
// Rows of A and B at a time: what is packed of B for a strip of C stays in the first cache.
constexpr int64_t kOuterDepth = 256;

// A matrix by rows: row k begins at data + places[k] * stride, or data + k * stride.
struct Rows {
  const float* data;
  int64_t stride;
  const int64_t* places;

  const float* at(int64_t k) const { return data + (places ? places[k] : k) * stride; }
};

constexpr int64_t outer_scratch(int64_t columns_of_a) {
  return kOuterDepth * (columns_of_a + kOuterRows + kOuterWidth);
}

// `width` columns of `from`, from column `first` on, side by side for k in [begin, end).
template <int Width>
inline void pack_strip(const Rows& from, int64_t first, int64_t columns, int64_t begin, int64_t end,
                       float* to) {
  const int64_t n = columns - first < Width ? columns - first : Width;
  for (int64_t k = begin; k < end; ++k, to += Width) {
    const float* row = from.at(k) + first;
    if (n == Width) {
      std::memcpy(to, row, sizeof(float) * Width);
    } else {
      for (int64_t i = 0; i < Width; ++i) to[i] = i < n ? row[i] : 0.0f;
    }
  }
}

// c (rows, columns) += over k of a[k] (rows) b[k] (columns), both packed.
inline void outer_tile(const float* a, const float* b, int64_t depth, float* c, int64_t stride,
                       int64_t rows, int64_t columns) {
  Vec sum[kOuterRows][kOuterVecs] = {};
  for (int64_t k = 0; k < depth; ++k, a += kOuterRows, b += kOuterWidth) {
    Vec w[kOuterVecs];
#pragma GCC unroll 2
    for (int v = 0; v < kOuterVecs; ++v) {
      w[v] = load(b + v * kLanes);
      hold(w[v]);
    }
#pragma GCC unroll 16
    for (int r = 0; r < kOuterRows; ++r) {
      Vec x = broadcast(a + r);
#pragma GCC unroll 2
      for (int v = 0; v < kOuterVecs; ++v) sum[r][v] += x * w[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kOuterRows; ++r) {
    if (r >= rows) break;
#pragma GCC unroll 2
    for (int v = 0; v < kOuterVecs; ++v) {
      const int64_t left = columns - v * kLanes;
      if (left <= 0) break;
      const int n = left >= kLanes ? kLanes : int(left);
      float* to = c + r * stride + v * kLanes;
      store(to, load(to, n) + sum[r][v], n);
    }
  }
}

// c (m, n) += A^T B for A (depth, m) and B (depth, n); `scratch` holds outer_scratch(m) floats.
inline void add_outer(const Rows& a, int64_t m, const Rows& b, int64_t n, int64_t depth, float* c,
                      int64_t stride, float* scratch) {
  float* strip = scratch;
  float* panels = scratch + kOuterDepth * kOuterWidth;
  for (int64_t begin = 0; begin < depth; begin += kOuterDepth) {
    const int64_t end = depth - begin < kOuterDepth ? depth : begin + kOuterDepth;
    const int64_t span = (end - begin) * kOuterRows;
    for (int64_t i = 0; i < m; i += kOuterRows) {
      pack_strip<kOuterRows>(a, i, m, begin, end, panels + i / kOuterRows * span);
    }
    for (int64_t j = 0; j < n; j += kOuterWidth) {
      pack_strip<kOuterWidth>(b, j, n, begin, end, strip);
      for (int64_t i = 0; i < m; i += kOuterRows) {
        outer_tile(panels + i / kOuterRows * span, strip, end - begin, c + i * stride + j, stride,
                   m - i, n - j);
      }
    }
  }
}

}  // namespace elman::ELMAN_ARCH
