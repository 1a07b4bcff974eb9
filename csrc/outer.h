// C += A^T B over many rows, for the gradients of weights.
#pragma once

#include "simd.h"

namespace elman::ELMAN_ARCH {

// A tile of C: this many of A's columns by two vectors of B's, with AVX2 12 of 16 registers.
constexpr int kOuterRows = 2 * ELMAN_ROWS;
constexpr int kOuterVecs = 2;
constexpr int kOuterWidth = kOuterVecs * kLanes;
// Rows of A and B at a time: the packed part of B for a strip of C stays in L1.
constexpr int64_t kOuterDepth = 256;

// A matrix by rows: row k begins at data + places[k] * stride, or data + k * stride.
struct Rows {
  const float* data;
  int64_t stride;
  const int64_t* places;

  const float* at(int64_t k) const { return data + (places ? places[k] : k) * stride; }
};

// Panels that `columns` columns of A are packed into, and the floats of one.
constexpr int64_t outer_panels(int64_t columns) { return (columns + kOuterRows - 1) / kOuterRows; }
constexpr int64_t kOuterPanel = kOuterDepth * kOuterRows;
constexpr int64_t kOuterStrip = kOuterDepth * kOuterWidth;

// Packs `Width` columns of `from`, from column `first` on, for k in [begin, end).
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

// c (rows, columns) += over k of a[k] (rows) b[k] (columns), both packed. Meanwhile the next panel
// of A and the part of C to be added to are prefetched. Inlined, its sums would leave registers.
__attribute__((noinline)) inline void outer_tile(const float* a, const float* b, int64_t depth,
                                                 float* c, int64_t stride, int64_t rows,
                                                 int64_t columns) {
  Vec sum[kOuterRows][kOuterVecs] = {};
  for (int64_t r = 0; r < rows && r < kOuterRows; ++r) __builtin_prefetch(c + r * stride, 1);
  for (int64_t k = 0; k < depth; ++k, a += kOuterRows, b += kOuterWidth) {
    __builtin_prefetch(a + kOuterPanel);
    Vec w[kOuterVecs];
#pragma GCC unroll 2
    for (int v = 0; v < kOuterVecs; ++v) {
      w[v] = load(b + v * kLanes);
      keep_in_register(w[v]);
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

// Rows [begin, end) of A (., m), at most kOuterDepth of them, into panels.
inline void pack_outer(const Rows& a, int64_t m, int64_t begin, int64_t end, float* panels) {
  for (int64_t i = 0; i < m; i += kOuterRows, panels += kOuterPanel) {
    pack_strip<kOuterRows>(a, i, m, begin, end, panels);
  }
}

// For several A that were packed: c (m, n) += A^T B with rows [begin, end) of one B (., n), packed
// once for all of them.
struct Product {
  const float* panels;
  int64_t m;
  float* c;
};

template <size_t Count>
inline void add_products(const Product (&products)[Count], const Rows& b, int64_t n, int64_t begin,
                      int64_t end, float* strip) {
  for (int64_t j = 0; j < n; j += kOuterWidth) {
    pack_strip<kOuterWidth>(b, j, n, begin, end, strip);
    for (const Product& product : products) {
      const float* panel = product.panels;
      for (int64_t i = 0; i < product.m; i += kOuterRows, panel += kOuterPanel) {
        outer_tile(panel, strip, end - begin, product.c + i * n + j, n, product.m - i, n - j);
      }
    }
  }
}

// c (m, n) += A^T B for one A (rows, m) and B (rows, n).
inline void add_outer(const Rows& a, int64_t m, const Rows& b, int64_t n, int64_t rows, float* c,
                      float* scratch) {
  float* panels = scratch + kOuterStrip;
  for (int64_t begin = 0; begin < rows; begin += kOuterDepth) {
    const int64_t end = rows - begin < kOuterDepth ? rows : begin + kOuterDepth;
    pack_outer(a, m, begin, end, panels);
    add_products({{panels, m, c}}, b, n, begin, end, scratch);
  }
}

}  // namespace elman::ELMAN_ARCH
