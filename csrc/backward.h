// The backward pass of the time loop, for every cell. Legend: see kernels.h.
//
// Gradients of the pre-activations are kept for a chunk of steps only: a few hundred rows of them
// are buffered, then multiplied into the gradients of weights and input while still in cache.
#pragma once

#include "outer.h"
#include "recurrence.h"

namespace elman::ELMAN_ARCH {

// out (rows of a, columns) = a times panels, computed by tiles, passed to `take(row, column, sum,
// n)`.
template <class Take>
inline void over_backward_panels(const float* a, int64_t stride, int64_t rows, const float* panels,
                                 int64_t depth, int64_t columns, Take&& take) {
  over_panels<kPanelVectors>(columns, [&]<int Vectors>(int64_t column) {
    over_blocks(rows, [&](int64_t first, int64_t count) {
      Vec acc[kBlockRows][Vectors];
      clear(acc, count);
      multiply_block<Vectors, Vectors>(acc, count, a + first * stride, stride,
                                       panels + column * depth, depth);
      for (int64_t r = 0; r < count; ++r) {
        for (int v = 0; v < Vectors; ++v) {
          const int64_t left = columns - column - v * kLanes;
          take(first + r, column + v * kLanes, acc[r][v], left >= kLanes ? kLanes : int(left));
        }
      }
    });
  });
}

// Each slot of gradients maps to a gate of U, C::kThroughU, and to a gate of V, C::kThroughV, or to
// none (-1). Those of U are adjacent, from slot C::kFirstU on.

// Floats that `add_weight_grads` packs into.
template <class C>
int64_t weight_grads_scratch(const Sequence& s) {
  const int64_t slots = C::kKept * outer_panels(s.hidden), outputs = outer_panels(s.output);
  return (slots > outputs ? slots : outputs) * kOuterPanel + kOuterStrip;
}

// Adds the buffered rows to the gradients of weights, and computes their input gradients: share
// `share` of `shares`, split by units for the weights and by rows for the input.
template <class C>
void add_weight_grads(const Backward& b, const Chunk& chunk, int64_t share, int64_t shares) {
  const int64_t H = b.s.hidden, I = b.s.input, R = b.s.output, width = C::kKept * H;
  const int64_t unit = H * share / shares, units = H * (share + 1) / shares - unit;
  const int64_t output = R * share / shares, outputs = R * (share + 1) / shares - output;
  const Rows x{b.x, I, chunk.places}, h_old{chunk.h_old, R, nullptr};
  float* strip = chunk.scratch + share * weight_grads_scratch<C>(b.s);
  float* panels = strip + kOuterStrip;
  auto each = [&](const int(&gates)[C::kKept], int64_t columns, float* to, Product* products) {
    for (int slot = 0; slot < C::kKept; ++slot) {
      const int gate = gates[slot];
      products[slot] = {panels + slot * outer_panels(units) * kOuterPanel, gate < 0 ? 0 : units,
                        to + (gate * H + unit) * columns};
    }
  };
  Product through_u[C::kKept], through_v[C::kKept];
  each(C::kThroughU, I, chunk.du, through_u);
  each(C::kThroughV, R, chunk.dv, through_v);
  for (int64_t begin = 0; begin < chunk.rows; begin += kOuterDepth) {
    const int64_t end = chunk.rows - begin < kOuterDepth ? chunk.rows : begin + kOuterDepth;
    for (int slot = 0; slot < C::kKept; ++slot) {
      const Rows grads{chunk.grads + slot * H + unit, width, nullptr};
      pack_outer(grads, units, begin, end, panels + slot * outer_panels(units) * kOuterPanel);
      float* db = chunk.db + slot * H + unit;
      for (int64_t k = begin; k < end; ++k) {
        const float* row = grads.at(k);
        for (int64_t i = 0; i < units; ++i) db[i] += row[i];
      }
    }
    add_products(through_u, x, I, begin, end, strip);
    add_products(through_v, h_old, R, begin, end, strip);
  }
  if (b.s.projected) {
    add_outer({chunk.dp + output, R, nullptr}, outputs, {chunk.m, H, nullptr}, H, chunk.rows,
              chunk.dr + output * H, strip);
  }
  if (b.dx) {
    const int64_t from = chunk.rows * share / shares, until = chunk.rows * (share + 1) / shares;
    over_backward_panels(chunk.grads + from * width + C::kFirstU * H, width, until - from,
                         b.panels_u, C::kGates * H, I,
                         [&](int64_t row, int64_t column, Vec sum, int n) {
                           store(b.dx + chunk.places[from + row] * I + column, sum, n);
                         });
  }
}

// The backward pass of the projection for the rows of one step: dp, the part of the gradient that
// zoneout passes directly to the old h, and dm, which is in `m` until the pointwise part has used
// it.
inline void projection_backward(const Backward& b, const Chunk& chunk, int64_t base, int64_t part,
                                int64_t parts, int64_t rows) {
  const int64_t H = b.s.hidden, R = b.s.output;
  float* dp = chunk.dp + chunk.rows * R;
  float* dm = chunk.m + chunk.rows * H;
  for (int64_t q = 0; q < rows; ++q) {
    const int64_t packed = base + parts * q, j = part + parts * q;
    Place at = output_place(b.s, b.regularization, packed);
    for (; at.unit < R; at.unit += kLanes) {
      const int n = at.count();
      Vec dh = load(b.dh + j * R + at.unit, n), direct{};
      if (b.dy) dh += load(b.dy + packed * R + at.unit, n);
      if (at.mixes_h) direct = at.keep_h(n) * dh;
      store(dp + q * R + at.unit, dh - direct, n);
      store(b.dh + j * R + at.unit, direct, n);
    }
  }
  over_backward_panels(
      dp, R, rows, b.panels_r, R, H,
      [&](int64_t row, int64_t column, Vec sum, int n) { store(dm + row * H + column, sum, n); });
}

template <class C>
void backward_part(const Backward& b, Chunk& chunk, int64_t part, int64_t parts, bool fused) {
  const Sequence& s = b.s;
  const Share share{part, parts};
  const int64_t H = s.hidden, R = s.output, width = C::kKept * H;
  for (int64_t i = 0; i < s.steps; ++i) {
    const int64_t t = s.reverse ? i : s.steps - 1 - i;
    const int64_t before = s.reverse ? t + 1 : t - 1;  // the step whose state this one read
    const int64_t rows = share.count(s.sizes[t]);
    const int64_t base = s.offsets[t] + part;
    if (fused && chunk.rows + rows > chunk.capacity) {
      add_weight_grads<C>(b, chunk, 0, 1);
      chunk.rows = 0;
    }
    if (s.projected) projection_backward(b, chunk, base, part, parts, rows);
    float* grads = chunk.grads + chunk.rows * width;
    for (int64_t q = 0; q < rows; ++q) {
      const int64_t packed = base + parts * q, j = part + parts * q, k = chunk.rows + q;
      const bool inside = before >= 0 && before < s.steps && j < s.sizes[before];
      const int64_t old = inside ? s.offsets[before] + j : j;
      const float* h_old = (inside ? b.y : b.h0) + old * R;
      const float* c_old = C::kHasC ? (inside ? b.cells : b.c0) + old * H : nullptr;
      chunk.places[k] = packed;
      for (int64_t u = 0; u < R; ++u) {
        chunk.h_old[k * R + u] = b.regularization.recurrent
                                     ? h_old[u] * b.regularization.recurrent[j * R + u]
                                     : h_old[u];
      }
      Place at = place_of(s, b.regularization, grads + q * width, packed);
      for (; at.unit < H; at.unit += kLanes) {
        const int n = at.count();
        const Vec c = C::kHasC ? load(c_old + at.unit, n) : Vec{};
        float* dc = C::kHasC ? b.dc + j * H + at.unit : nullptr;
        const float* gates = b.gates + packed * width;
        if (s.projected) {
          float* m = chunk.m + k * H + at.unit;
          C::backward(load(m, n), gates, at, n, Vec{}, c, dc, m);
          continue;
        }
        Vec dh = load(b.dh + j * H + at.unit, n);
        if (b.dy) dh += load(b.dy + packed * H + at.unit, n);
        const Vec h = load(h_old + at.unit, n);
        store(b.dh + j * H + at.unit, C::backward(dh, gates, at, n, h, c, dc, nullptr), n);
      }
    }
    over_backward_panels(grads, width, rows, b.panels, C::kGates * H, R,
                         [&](int64_t row, int64_t column, Vec sum, int n) {
                           const int64_t at = (part + parts * row) * R + column;
                           if (b.regularization.recurrent)
                             sum *= load(b.regularization.recurrent + at, n);
                           store(b.dh + at, load(b.dh + at, n) + sum, n);
                         });
    chunk.rows += rows;
  }
  if (fused) add_weight_grads<C>(b, chunk, 0, 1);
}

}  // namespace elman::ELMAN_ARCH
