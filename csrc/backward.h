// The time loop's way back, for every cell. Legend: see kernels.h.
//
// Gradients before the nonlinearities live only for a chunk of steps: as soon as a few hundred rows
// of them are there, they go into the gradients of weights and input, while still in cache.
#pragma once

#include "outer.h"
#include "recurrence.h"

namespace elman::ELMAN_ARCH {

constexpr int kBackColumns = 4;

// Gradients of gates, in slots of `grads`, that belong to consecutive rows of a weight.
struct Run {
  int slot, gate, count;
};

// out (rows of a, columns) = a times panels, tile by tile, handed to `take(row, column, sum, n)`.
template <class Take>
inline void over_back_panels(const float* a, int64_t stride, int64_t rows, const float* panels,
                             int64_t depth, int64_t columns, Take&& take) {
  for (int64_t first = 0; first < columns; first += kBackColumns * kLanes) {
    over_tiles(rows, [&]<int Rows>(int64_t row) {
      Vec acc[Rows][kBackColumns] = {};
      multiply<Rows, kBackColumns, kBackColumns>(acc, a + row * stride, stride, panels, depth);
      for (int r = 0; r < Rows; ++r) {
        for (int v = 0; v < kBackColumns; ++v) {
          const int64_t column = first + v * kLanes, left = columns - column;
          if (left <= 0) break;
          take(row + r, column, acc[r][v], left >= kLanes ? kLanes : int(left));
        }
      }
    });
    panels += depth * kBackColumns * kLanes;
  }
}

// What the rows in hand add to the gradients of weights, and their gradient of the input: share
// `share` of `shares`, by columns of the gates for the weights, by rows for the input.
template <class C>
void weigh(const Backward& b, const Chunk& chunk, int64_t share, int64_t shares) {
  const int64_t H = b.s.hidden, I = b.s.input, width = C::kKept * H;
  const Rows x{b.x, I, chunk.places}, h_old{chunk.h_old, H, nullptr};
  auto weights = [&](Run run, const Rows& with, int64_t columns, float* to) {
    const int64_t all = run.count * H;
    const int64_t from = all * share / shares, until = all * (share + 1) / shares;
    const Rows grads{chunk.grads + run.slot * H + from, width, nullptr};
    add_outer(grads, until - from, with, columns, chunk.rows, to + (run.gate * H + from) * columns,
              columns, chunk.scratch + share * outer_scratch(C::kGates * H));
  };
  weights(C::kThroughU, x, I, chunk.du);
  for (Run run : C::kThroughV) weights(run, h_old, H, chunk.dv);
  const int64_t first = width * share / shares, last = width * (share + 1) / shares;
  for (int64_t k = 0; k < chunk.rows; ++k) {
    const float* row = chunk.grads + k * width;
    for (int64_t i = first; i < last; ++i) chunk.db[i] += row[i];
  }
  if (b.dx) {
    const int64_t from = chunk.rows * share / shares, until = chunk.rows * (share + 1) / shares;
    over_back_panels(chunk.grads + from * width + C::kThroughU.slot * H, width, until - from,
                     b.panels_u, C::kGates * H, I,
                     [&](int64_t row, int64_t column, Vec sum, int n) {
                       store(b.dx + chunk.places[from + row] * I + column, sum, n);
                     });
  }
}

template <class C>
void backward_part(const Backward& b, Chunk& chunk, int64_t part, int64_t parts, bool fused) {
  const Sequence& s = b.s;
  const Share share{part, parts};
  const int64_t H = s.hidden, width = C::kKept * H;
  const bool zone = b.noise.any_zone();
  for (int64_t i = 0; i < s.steps; ++i) {
    const int64_t t = s.reverse ? i : s.steps - 1 - i;
    const int64_t before = s.reverse ? t + 1 : t - 1;  // the step whose state this one read
    const int64_t rows = share.count(s.sizes[t]);
    const int64_t base = s.offsets[t] + part;
    if (fused && chunk.rows + rows > chunk.capacity) {
      weigh<C>(b, chunk, 0, 1);
      chunk.rows = 0;
    }
    float* grads = chunk.grads + chunk.rows * width;
    for (int64_t q = 0; q < rows; ++q) {
      const int64_t packed = base + parts * q, j = part + parts * q;
      const bool inside = before >= 0 && before < s.steps && j < s.sizes[before];
      const int64_t old = inside ? (s.offsets[before] + j) * H : j * H;
      Place at = place_of(s, b.noise, nullptr, 0, packed);
      at.gates = grads + q * width;
      chunk.places[chunk.rows + q] = packed;
      float* fed_to = chunk.h_old + (chunk.rows + q) * H;
      const float* gates = b.gates + packed * width;
      for (at.unit = 0; at.unit < H; at.unit += kLanes) {
        const int n = at.count();
        Vec dh = load(b.dh + j * H + at.unit, n);
        if (b.dy) dh += load(b.dy + packed * H + at.unit, n);
        Vec h_old = load((inside ? b.y : b.h0) + old + at.unit, n);
        Vec fed = h_old;
        if (b.noise.recurrent) fed *= load(b.noise.recurrent + j * H + at.unit, n);
        store(fed_to + at.unit, fed, n);
        Vec c_old = C::kHasC ? load((inside ? b.cells : b.c0) + old + at.unit, n) : Vec{};
        float* dc = C::kHasC ? b.dc + j * H + at.unit : nullptr;
        Vec direct = C::backward(dh, gates, at, n, zone, h_old, c_old, dc);
        store(b.dh + j * H + at.unit, direct, n);
      }
    }
    over_back_panels(grads, width, rows, b.panels, C::kGates * H, H,
                     [&](int64_t row, int64_t column, Vec sum, int n) {
                       const int64_t at = (part + parts * row) * H + column;
                       if (b.noise.recurrent) sum *= load(b.noise.recurrent + at, n);
                       store(b.dh + at, load(b.dh + at, n) + sum, n);
                     });
    chunk.rows += rows;
  }
  if (fused) weigh<C>(b, chunk, 0, 1);
}

}  // namespace elman::ELMAN_ARCH
