// The time loop of cells that normalize U x and V h, forward and backward. Legend: see kernels.h.
//
// A loop of its own: in recurrence.h a tile of a few rows and one panel ends with its pointwise
// part in registers, while here no unit can continue before the mean and variance over all units of
// its row are known. So U x and V h are stored first; a row of them stays in L1 or L2.
#pragma once

#include "cells/gru.h"
#include "cells/lstm_layer_norm.h"
#include "cells/rnn.h"
#include "unpacked.h"

namespace elman::ELMAN_ARCH {

// out (rows, columns) = the rows of a times a weight (columns, depth), from its panels where it was
// packed.
inline void times(const float* a, int64_t stride, int64_t rows, const float* panels,
                  const float* weight, int64_t depth, int64_t columns, float* out) {
  if (!panels) return dots(a, stride, rows, weight, depth, nullptr, 0, columns, out, columns);
  over_backward_panels(a, stride, rows, panels, depth, columns,
                       [&](int64_t row, int64_t column, Vec sum, int n) {
                         store(out + row * columns + column, sum, n);
                       });
}

// One part's scratch: x and the normalized U x of its rows for the steps ahead; V h of one step.
struct Ahead {
  float *x, *u, *v, *workspace;
  int64_t begin, until;  // the steps that `u` holds

  Ahead(const NormedForward& n, int64_t part, int64_t own)
      : x(n.scratch + part * n.scratch_size),
        u(x + n.ahead * n.f.s.input),
        v(u + n.ahead * n.width),
        workspace(v + own * n.width),
        begin(0),
        until(0) {}
};

// The normalized U x of this part's rows from step `i` on, for as many steps as fit into `ahead`.
inline void project_ahead(const NormedForward& n, Share share, int64_t i, Ahead& ahead) {
  const Forward& f = n.f;
  const int64_t I = f.s.input;
  int64_t count = 0;
  auto over_rows = [&](int64_t step, auto&& take) {
    const int64_t t = f.s.reverse ? f.s.steps - 1 - step : step;
    const int64_t rows = share.count(f.s.sizes[t]);
    if (count + rows > n.ahead) return false;
    for (int64_t q = 0; q < rows; ++q) take(count++, f.s.offsets[t] + share.part + share.parts * q);
    return true;
  };
  ahead.begin = ahead.until = i;
  while (ahead.until < f.s.steps && over_rows(ahead.until, [&](int64_t k, int64_t packed) {
           std::memcpy(ahead.x + k * I, f.x + packed * I, sizeof(float) * I);
         })) {
    ++ahead.until;
  }
  times(ahead.x, I, count, f.panels_u, f.w_ih, I, n.width, ahead.u);
  count = 0;
  for (int64_t step = i; step < ahead.until; ++step) {
    over_rows(step, [&](int64_t k, int64_t packed) {
      float* row = ahead.u + k * n.width;
      const float scale = normalize(row, n.width, n.u ? n.u + packed * n.width : row);
      if (n.scale_u) n.scale_u[packed] = scale;
    });
  }
}

template <class C>
void normed_forward_part(const NormedForward& n, int64_t part, int64_t parts) {
  const Forward& f = n.f;
  const Sequence& s = f.s;
  const Share share{part, parts};
  const int64_t H = s.hidden, R = s.output, W = n.width;
  Ahead ahead(n, part, share.count(s.batch));
  const float* next_u = ahead.u;
  for (int64_t i = 0; i < s.steps; ++i) {
    if (i == ahead.until) {
      project_ahead(n, share, i, ahead);
      next_u = ahead.u;
    }
    const int64_t t = s.reverse ? s.steps - 1 - i : i;
    const int64_t rows = share.count(s.sizes[t]);
    const int64_t base = s.offsets[t] + part;
    const float* fed = recurrent_input(f, part, parts, rows);
    times(fed + part * R, parts * R, rows, f.panels_v, f.w_hh, R, W, ahead.v);
    for (int64_t q = 0; q < rows; ++q, next_u += W) {
      const int64_t packed = base + parts * q, j = part + parts * q;
      float* v = n.v ? n.v + packed * W : ahead.v + q * W;
      const float scale = normalize(ahead.v + q * W, W, v);
      if (n.scale_v) n.scale_v[packed] = scale;
      float* c = C::kHasC ? f.c + j * H : nullptr;
      Row<C>::forward(n.norm, n.u ? n.u + packed * W : next_u, v,
                      place_of(s, f.regularization, nullptr, packed), f.h + j * R, c,
                      s.projected ? f.m + j * H : f.y + packed * H, ahead.workspace);
      if (C::kHasC && f.cells) std::memcpy(f.cells + packed * H, c, sizeof(float) * H);
    }
    if (s.projected) project_outputs(f, base, part, parts, rows);
    for (int64_t q = 0; q < rows; ++q) {
      std::memcpy(f.h + (part + parts * q) * R, f.y + (base + parts * q) * R, sizeof(float) * R);
    }
  }
}

// Adds the buffered rows to the gradients of weights, and computes their input gradients.
inline void add_weight_grads_normed(const NormedBackward& n, const NormedChunk& own) {
  const Backward& b = n.b;
  const Chunk& chunk = own.chunk;
  const int64_t H = b.s.hidden, I = b.s.input, R = b.s.output, W = n.width;
  const Rows x{b.x, I, chunk.places}, h_old{chunk.h_old, R, nullptr};
  add_outer({chunk.grads, W, nullptr}, W, x, I, chunk.rows, chunk.du, chunk.scratch);
  add_outer({own.grads_v, W, nullptr}, W, h_old, R, chunk.rows, chunk.dv, chunk.scratch);
  if (b.s.projected) {
    add_outer({chunk.dp, R, nullptr}, R, {chunk.m, H, nullptr}, H, chunk.rows, chunk.dr,
              chunk.scratch);
  }
  if (b.dx) {
    over_backward_panels(chunk.grads, W, chunk.rows, b.panels_u, W, I,
                         [&](int64_t row, int64_t column, Vec sum, int lanes) {
                           store(b.dx + chunk.places[row] * I + column, sum, lanes);
                         });
  }
}

template <class C>
void normed_backward_part(const NormedBackward& n, NormedChunk& own, int64_t part, int64_t parts) {
  const Backward& b = n.b;
  const Sequence& s = b.s;
  Chunk& chunk = own.chunk;
  const Share share{part, parts};
  const int64_t H = s.hidden, R = s.output, W = n.width;
  float *slots = own.workspace, *workspace = slots + C::kKept * H;
  for (int64_t i = 0; i < s.steps; ++i) {
    const int64_t t = s.reverse ? i : s.steps - 1 - i;
    const int64_t before = s.reverse ? t + 1 : t - 1;  // the step whose state this one read
    const int64_t rows = share.count(s.sizes[t]);
    const int64_t base = s.offsets[t] + part;
    if (chunk.rows + rows > chunk.capacity) {
      add_weight_grads_normed(n, own);
      chunk.rows = 0;
    }
    if (s.projected) projection_backward(b, chunk, base, part, parts, rows);
    float* grads_v = own.grads_v + chunk.rows * W;
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
      float* m = s.projected ? chunk.m + k * H : nullptr;
      float* dh = s.projected ? m : b.dh + j * H;
      if (!s.projected && b.dy) {
        for (int64_t u = 0; u < H; ++u) dh[u] += b.dy[packed * H + u];
      }
      const float *hat_u = n.u + packed * W, *hat_v = n.v + packed * W;
      Row<C>::backward(n, own, hat_u, hat_v, place_of(s, b.regularization, slots, packed), h_old,
                       c_old, dh, C::kHasC ? b.dc + j * H : nullptr, m, workspace);
      normalize_backward(slots + C::kFirstU * H, hat_u, n.scale_u[packed], n.norm.gain_u, W,
                         own.d_gain_u, own.d_shift_u, chunk.grads + k * W);
      float* to = grads_v + q * W;
      for (int slot = 0; slot < C::kKept; ++slot) {
        const int gate = C::kThroughV[slot];
        if (gate >= 0) std::memcpy(to + gate * H, slots + slot * H, sizeof(float) * H);
      }
      normalize_backward(to, hat_v, n.scale_v[packed], n.norm.gain_v, W, own.d_gain_v,
                         own.d_shift_v, to);
    }
    over_backward_panels(grads_v, W, rows, b.panels, W, R,
                         [&](int64_t row, int64_t column, Vec sum, int lanes) {
                           const int64_t at = (part + parts * row) * R + column;
                           if (b.regularization.recurrent)
                             sum *= load(b.regularization.recurrent + at, lanes);
                           store(b.dh + at, load(b.dh + at, lanes) + sum, lanes);
                         });
    chunk.rows += rows;
  }
  add_weight_grads_normed(n, own);
}

template <class C>
constexpr int64_t workspace_of(int64_t hidden) {
  return (C::kKept + Row<C>::kWorkspace) * hidden;
}

}  // namespace elman::ELMAN_ARCH
