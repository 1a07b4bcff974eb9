// The register tile: a few rows times one panel of packed weights, kept in registers throughout.
#pragma once

#include "simd.h"

namespace elman::ELMAN_ARCH {

// Rows of the tile: with four vectors a row, 12 of AVX2's 16 registers, 24 of AVX-512's 32.
constexpr int kMaxRows = ELMAN_ROWS;
// Vectors of a panel that holds no gates, at most.
constexpr int kPanelVectors = 4;

// acc[r][v] += sum over k of a[r][k] * panel[k][v]. With `Last`, the last vector of the panel is
// added to acc[r][Last] instead: a GRU keeps the two halves of its candidate apart.
// Every element is summed in the order of k whatever Rows is, so the split over threads and
// tiles does not change the result. Meanwhile `ahead`, the next operand, is prefetched into L1:
// `stride` floats further with each k.
template <int Rows, int Width, int Columns, int Last = Columns - 1>
inline __attribute__((always_inline)) void multiply(Vec (*acc)[Width], const float* a,
                                                    int64_t row_stride, const float* panel,
                                                    int64_t depth, const float* ahead,
                                                    int64_t stride) {
  // Local sums stay in registers; acc has to be in memory for its other users.
  Vec sum[Rows][Columns];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < Columns; ++v) sum[r][v] = acc[r][v == Columns - 1 ? Last : v];
  }
  for (int64_t k = 0; k < depth; ++k, panel += Columns * kLanes, ahead += stride) {
    __builtin_prefetch(ahead);
    // The rows' numbers stay and the weights stream: Rows * Columns sums, Rows numbers and one
    // weight fill the 16 registers of AVX2 exactly.
    Vec x[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) x[r] = broadcast(a + r * row_stride + k);
#pragma GCC unroll 8
    for (int v = 0; v < Columns; ++v) {
      Vec w = load(panel + v * kLanes);
      keep_in_register(w);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) sum[r][v] += x[r] * w;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < Columns; ++v) acc[r][v == Columns - 1 ? Last : v] = sum[r][v];
  }
}

// Calls `tile.template operator()<Rows>(first)` over `count` rows in tiles of nearly one size.
template <class Tile>
inline void over_tiles(int64_t count, Tile&& tile) {
  int64_t tiles = (count + kMaxRows - 1) / kMaxRows;
  for (int64_t i = 0; i < tiles; ++i) {
    int64_t first = count * i / tiles;
    switch (count * (i + 1) / tiles - first) {
      case 1: tile.template operator()<1>(first); break;
      case 2: tile.template operator()<2>(first); break;
      case 3: tile.template operator()<3>(first); break;
#if ELMAN_ROWS > 3
      case 4: tile.template operator()<4>(first); break;
      case 5: tile.template operator()<5>(first); break;
      case 6: tile.template operator()<6>(first); break;
#endif
    }
  }
}

// Cuts `columns` into panels of at most `Most` vectors and nearly one size, so that nothing but the
// last vector is padded, and calls `panel.template operator()<Vectors>(first)` for each of share
// `share` of `shares`. A panel's weights begin at `first` times its depth.
template <int Most, class Panel>
inline void over_panels(int64_t columns, Panel&& panel, int64_t share = 0, int64_t shares = 1) {
  static_assert(Most == 1 || Most == kPanelVectors);
  const int64_t vectors = (columns + kLanes - 1) / kLanes, panels = (vectors + Most - 1) / Most;
  for (int64_t i = panels * share / shares; i < panels * (share + 1) / shares; ++i) {
    const int64_t first = vectors * i / panels, size = vectors * (i + 1) / panels - first;
    if constexpr (Most == 1) {
      panel.template operator()<1>(first * kLanes);
    } else {
      switch (size) {
        case 1: panel.template operator()<1>(first * kLanes); break;
        case 2: panel.template operator()<2>(first * kLanes); break;
        case 3: panel.template operator()<3>(first * kLanes); break;
        case 4: panel.template operator()<4>(first * kLanes); break;
      }
    }
  }
}

// Floats of all panels of `columns` columns.
constexpr int64_t panels_size(int64_t columns, int64_t depth) {
  return (columns + kLanes - 1) / kLanes * kLanes * depth;
}

// A block of rows, a block of a panel and their sums fit into L1 together. Without blocks, each
// tile would read the whole panel from L2 again.
constexpr int64_t kBlockRows = 36, kBlockDepth = 128;

// Calls `block(first, count)` over `rows` rows in blocks of nearly one size.
template <class Block>
inline void over_blocks(int64_t rows, Block&& block) {
  const int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t first = rows * i / blocks;
    block(first, rows * (i + 1) / blocks - first);
  }
}

// Zeroes the sums of the first `rows` rows.
template <int Width>
inline void clear(Vec (*acc)[Width], int64_t rows) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int v = 0; v < Width; ++v) acc[r][v] = Vec{};
  }
}

// `multiply` for any number of rows up to kBlockRows, a block of the panel at a time. Each tile
// fetches its share of the block that comes next.
template <int Width, int Columns, int Last = Columns - 1>
inline void multiply_block(Vec (*acc)[Width], int64_t rows, const float* a, int64_t row_stride,
                           const float* panel, int64_t depth) {
  constexpr int64_t kStep = Columns * kLanes;
  const int64_t blocks = (depth + kBlockDepth - 1) / kBlockDepth;
  for (int64_t i = 0, k = 0; i < blocks; ++i) {
    const int64_t end = depth * (i + 1) / blocks, n = end - k;
    over_tiles(rows, [&]<int Rows>(int64_t first) {
      multiply<Rows, Width, Columns, Last>(acc + first, a + first * row_stride + k, row_stride,
                                           panel + k * kStep, n,
                                           panel + end * kStep + kStep * n * first / rows,
                                           kStep * Rows / rows);
    });
    k = end;
  }
}

}  // namespace elman::ELMAN_ARCH
