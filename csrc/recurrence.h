// THE time loop for every cell, forward; backward.h has its way back. A cell brings the pointwise
// part of a step.
//
// The rows of the batch are dealt to the parts (part p has rows p, p + parts, ...), and each part
// takes its own rows through all steps: no part ever waits for another. Legend: see kernels.h.
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
  float* gates;         // (S H) kept of this row and step, or null; on the way back, gradients
  const float* zone_h;  // (H) or null
  const float* zone_c;
  float rate_h, rate_c;

  int count(int v = 0) const {
    int64_t left = hidden - unit - v * kLanes;
    return left >= kLanes ? kLanes : int(left);
  }
  float* gate(int g, int v = 0) const { return gates + g * hidden + unit + v * kLanes; }
  Vec kept(const float* from, int g, int n) const { return load(from + g * hidden + unit, n); }
  // How much of the old value stays, 0 to 1.
  Vec stays_h(int n, int v = 0) const {
    return zone_h ? load(zone_h + unit + v * kLanes, n) : splat(rate_h);
  }
  Vec stays_c(int n) const { return zone_c ? load(zone_c + unit, n) : splat(rate_c); }
};

inline Place place_of(const Sequence& s, const Noise& noise, float* gates, int64_t kept,
                      int64_t packed) {
  return {s.hidden,
          0,
          gates ? gates + packed * kept * s.hidden : nullptr,
          noise.zone_h ? noise.zone_h + packed * s.hidden : nullptr,
          noise.zone_c ? noise.zone_c + packed * s.hidden : nullptr,
          noise.rate_h,
          noise.rate_c};
}

template <class C>
void forward_part(const Forward& f, int64_t part, int64_t parts) {
  const Sequence& s = f.s;
  const Share share{part, parts};
  const int64_t H = s.hidden, I = s.input;
  const int64_t span = C::kUnits * kLanes;  // units a panel covers
  const bool zone = f.noise.any_zone();
  for (int64_t i = 0; i < s.steps; ++i) {
    const int64_t t = s.reverse ? s.steps - 1 - i : i;
    const int64_t rows = share.count(s.sizes[t]);
    if (rows == 0) continue;
    const int64_t base = s.offsets[t] + part;
    const float* fed = f.h;
    if (f.noise.recurrent) {
      for (int64_t q = 0; q < rows; ++q) {
        const int64_t at = (part + parts * q) * H;
        for (int64_t u = 0; u < H; ++u) f.scratch[at + u] = f.h[at + u] * f.noise.recurrent[at + u];
      }
      fed = f.scratch;
    }
    for (int64_t panel = 0, unit = 0; unit < H; ++panel, unit += span) {
      over_tiles(rows, [&]<int Rows>(int64_t first) {
        const int64_t packed = base + parts * first, row = part + parts * first;
        Vec acc[Rows][C::kWidth];
        for (int r = 0; r < Rows; ++r) C::begin(acc[r], f, nullptr, unit);
        multiply<Rows, C::kWidth, C::kColumns, C::kFromX>(
            acc, f.x + packed * I, parts * I, f.panels_u + panel * I * C::kColumns * kLanes, I);
        multiply<Rows, C::kWidth, C::kColumns, C::kFromH>(
            acc, fed + row * H, parts * H, f.panels_v + panel * H * C::kColumns * kLanes, H);
        for (int r = 0; r < Rows; ++r) {
          const int64_t p = packed + parts * r, j = row + parts * r;
          Place at = place_of(s, f.noise, f.gates, C::kKept, p);
          at.unit = unit;
          C::forward(acc[r], at, zone, f.h + j * H, C::kHasC ? f.c + j * H : nullptr, f.y + p * H);
          if (C::kHasC && f.cells) {
            const int n = at.count();
            store(f.cells + p * H + unit, load(f.c + j * H + unit, n), n);
          }
        }
      });
    }
    for (int64_t q = 0; q < rows; ++q) {
      std::memcpy(f.h + (part + parts * q) * H, f.y + (base + parts * q) * H, sizeof(float) * H);
    }
  }
}

}  // namespace elman::ELMAN_ARCH
