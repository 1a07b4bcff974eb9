// The time loop of every cell, forward; backward.h has its backward pass. A cell provides the
// pointwise part of a step.
//
// The rows of the batch are distributed over the parts (part p has rows p, p + parts, ...), and
// each part takes its own rows through all steps without waiting for another. Legend: see
// kernels.h.
#pragma once

#include "gemm.h"
#include "kernels.h"

namespace elman::ELMAN_ARCH {

// Which rows of a step belong to this part: packed index `base + parts * q`, q < count.
struct Share {
  int64_t part, parts;

  int64_t count(int64_t rows) const { return rows <= part ? 0 : (rows - part - 1) / parts + 1; }
};

// One row at one step, at unit `unit`, for the pointwise part of a cell.
struct Place {
  int64_t hidden;
  int64_t unit;
  float* gates;  // (S H) saved of this row and step, or null; in the backward pass, gradients
  const float* zone_h;  // (H) or null
  const float* zone_c;
  float rate_h, rate_c;
  bool mixes_h, mixes_c;  // whether anything of the old h or c may stay

  int count(int v = 0) const {
    int64_t left = hidden - unit - v * kLanes;
    return left >= kLanes ? kLanes : int(left);
  }
  float* gate(int g, int v = 0) const { return gates + g * hidden + unit + v * kLanes; }
  Vec kept(const float* from, int g, int n) const { return load(from + g * hidden + unit, n); }
  // How much of the old value stays, 0 to 1.
  Vec keep_h(int n, int v = 0) const {
    return zone_h ? load(zone_h + unit + v * kLanes, n) : splat(rate_h);
  }
  Vec keep_c(int n) const { return zone_c ? load(zone_c + unit, n) : splat(rate_c); }
};

inline Place place_of(const Sequence& s, const Regularization& regularization, float* gates,
                      int64_t packed) {
  // The h of a projected cell is mixed after the projection.
  return {
      s.hidden,
      0,
      gates,
      regularization.zone_h && !s.projected ? regularization.zone_h + packed * s.hidden : nullptr,
      regularization.zone_c ? regularization.zone_c + packed * s.hidden : nullptr,
      regularization.rate_h,
      regularization.rate_c,
      !s.projected && (regularization.zone_h || regularization.rate_h != 0),
      regularization.zone_c || regularization.rate_c != 0};
}

// The same for the outputs (R) of a projection.
inline Place output_place(const Sequence& s, const Regularization& regularization, int64_t packed) {
  Place at = {};
  at.hidden = s.output;
  at.zone_h = regularization.zone_h ? regularization.zone_h + packed * s.output : nullptr;
  at.rate_h = regularization.rate_h;
  at.mixes_h = regularization.zone_h || regularization.rate_h != 0;
  return at;
}

// The input of V for this part's rows: the old h or, with recurrent dropout, a masked copy.
inline const float* recurrent_input(const Forward& f, int64_t part, int64_t parts, int64_t rows) {
  if (!f.regularization.recurrent) return f.h;
  const int64_t R = f.s.output;
  for (int64_t q = 0; q < rows; ++q) {
    const int64_t at = (part + parts * q) * R;
    for (int64_t u = 0; u < R; ++u)
      f.scratch[at + u] = f.h[at + u] * f.regularization.recurrent[at + u];
  }
  return f.scratch;
}

// y = W_hr m for the rows of one step, mixed with the old h by zoneout.
inline void project_outputs(const Forward& f, int64_t base, int64_t part, int64_t parts,
                            int64_t rows) {
  const int64_t H = f.s.hidden, R = f.s.output;
  over_panels<kPanelVectors>(R, [&]<int Vectors>(int64_t unit) {
    over_blocks(rows, [&](int64_t first, int64_t count) {
      const int64_t packed = base + parts * first, row = part + parts * first;
      Vec acc[kBlockRows][Vectors];
      clear(acc, count);
      multiply_block<Vectors, Vectors>(acc, count, f.m + row * H, parts * H, f.panels_r + unit * H,
                                       H);
      for (int64_t r = 0; r < count; ++r) {
        const int64_t p = packed + parts * r, j = row + parts * r;
        Place at = output_place(f.s, f.regularization, p);
        for (at.unit = unit; at.unit < R && at.unit < unit + Vectors * kLanes; at.unit += kLanes) {
          const int n = at.count();
          Vec now = acc[r][(at.unit - unit) / kLanes];
          if (at.mixes_h) now += at.keep_h(n) * (load(f.h + j * R + at.unit, n) - now);
          store(f.y + p * R + at.unit, now, n);
        }
      }
    });
  });
}

template <class C>
void forward_part(const Forward& f, int64_t part, int64_t parts) {
  const Sequence& s = f.s;
  const Share share{part, parts};
  const int64_t H = s.hidden, I = s.input, R = s.output;
  for (int64_t i = 0; i < s.steps; ++i) {
    const int64_t t = s.reverse ? s.steps - 1 - i : i;
    const int64_t rows = share.count(s.sizes[t]);
    if (rows == 0) continue;
    const int64_t base = s.offsets[t] + part;
    const float* fed = recurrent_input(f, part, parts, rows);
    over_panels<C::kUnits>(H, [&]<int Units>(int64_t unit) {
      // A panel has all gates of one vector of units, or without gates several vectors.
      constexpr bool kGated = C::kUnits == 1;
      constexpr int kColumns = kGated ? C::kColumns : Units;
      constexpr int kFromX = kGated ? C::kFromX : Units - 1,
                    kFromH = kGated ? C::kFromH : Units - 1;
      const int64_t begin = unit * (kGated ? C::kColumns : 1);
      const int64_t end = kGated ? H : unit + Units * kLanes;
      over_blocks(rows, [&](int64_t first, int64_t count) {
        const int64_t packed = base + parts * first, row = part + parts * first;
        Vec acc[kBlockRows][C::kWidth];
        for (int64_t r = 0; r < count; ++r) C::begin(acc[r], f, nullptr, unit);
        multiply_block<C::kWidth, kColumns, kFromX>(acc, count, f.x + packed * I, parts * I,
                                                    f.panels_u + begin * I, I);
        multiply_block<C::kWidth, kColumns, kFromH>(acc, count, fed + row * R, parts * R,
                                                    f.panels_v + begin * R, R);
        for (int64_t r = 0; r < count; ++r) {
          const int64_t p = packed + parts * r, j = row + parts * r;
          Place at =
              place_of(s, f.regularization, f.gates ? f.gates + p * C::kKept * H : nullptr, p);
          at.unit = unit;
          if (end < H) at.hidden = end;
          float* to = s.projected ? f.m + j * H : f.y + p * H;
          C::forward(acc[r], at, f.h + j * R, C::kHasC ? f.c + j * H : nullptr, to);
          if (C::kHasC && f.cells) {
            const int n = at.count();
            store(f.cells + p * H + unit, load(f.c + j * H + unit, n), n);
          }
        }
        if constexpr (C::kHasC) {
          for (int64_t r = 0; r < count; ++r) {
            const int64_t p = packed + parts * r, j = row + parts * r;
            Place at = place_of(s, f.regularization, nullptr, p);
            at.unit = unit;
            C::output(acc[r], at, f.h + j * R, s.projected ? f.m + j * H : f.y + p * H);
          }
        }
      });
    });
    if (s.projected) project_outputs(f, base, part, parts, rows);
    for (int64_t q = 0; q < rows; ++q) {
      std::memcpy(f.h + (part + parts * q) * R, f.y + (base + parts * q) * R, sizeof(float) * R);
    }
  }
}

}  // namespace elman::ELMAN_ARCH
