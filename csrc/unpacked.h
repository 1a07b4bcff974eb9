// The forward loop for small batches: weights are read unpacked, since packing them would cost as
// much as a step, and threads split the units, since there are too few rows to split.
#pragma once

#include "barrier.h"
#include "recurrence.h"

namespace elman::ELMAN_ARCH {

// out[r][c] = x[r] . w[c] for `Rows` rows of x and four rows of w.
// Each element has one running sum over k, whatever Rows is, so tiles do not change the result.
template <int Rows, int Quads>
inline void dot_tile(const float* x, int64_t x_stride, const float* w, int64_t depth,
                     Four (&out)[Rows][Quads]) {
  Vec sum[Rows][4 * Quads] = {};
  auto add = [&](int64_t k, auto... n) {
    Vec a[Rows];
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) a[r] = load(x + r * x_stride + k, n...);
#pragma GCC unroll 8
    for (int c = 0; c < 4 * Quads; ++c) {
      Vec b = load(w + c * depth + k, n...);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) sum[r][c] += a[r] * b;
    }
  };
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) add(k);
  if (k < depth) add(k, int(depth - k));
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int q = 0; q < Quads; ++q) {
      out[r][q] = sums(sum[r][4 * q], sum[r][4 * q + 1], sum[r][4 * q + 2], sum[r][4 * q + 3]);
    }
  }
}

// The same for one row of w, for the last few of them.
inline float dot(const float* x, const float* w, int64_t depth) {
  Vec sum{};
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) sum += load(x + k) * load(w + k);
  if (k < depth) sum += load(x + k, int(depth - k)) * load(w + k, int(depth - k));
  return sums(sum, Vec{}, Vec{}, Vec{})[0];
}

// out[r][c] = bias[c] + x[r] . w[c] for all rows and for c in [first, last); bias may be null.
inline void dots(const float* x, int64_t x_stride, int64_t rows, const float* w, int64_t depth,
                 const float* bias, int64_t first, int64_t last, float* out, int64_t out_stride) {
  auto tile = [&]<int Rows, int Quads>(int64_t r, int64_t c) {
    Four found[Rows][Quads];
    dot_tile<Rows, Quads>(x + r * x_stride, x_stride, w + c * depth, depth, found);
    for (int q = 0; q < Quads; ++q) {
      Four start{};
      if (bias) std::memcpy(&start, bias + c + 4 * q, sizeof start);
      for (int i = 0; i < Rows; ++i) {
        Four value = start + found[i][q];
        std::memcpy(out + (r + i) * out_stride + c + 4 * q, &value, sizeof value);
      }
    }
  };
  int64_t c = first;
  if (rows == 1) {
    for (; c + 8 <= last; c += 8) tile.template operator()<1, 2>(0, c);
  }
  for (; c + 4 <= last; c += 4) {
    int64_t r = 0;
    for (; r + 3 <= rows; r += 3) tile.template operator()<3, 1>(r, c);
    if (rows - r == 2) tile.template operator()<2, 1>(r, c);
    if (rows - r == 1) tile.template operator()<1, 1>(r, c);
  }
  for (; c < last; ++c) {
    for (int64_t r = 0; r < rows; ++r) {
      out[r * out_stride + c] =
          (bias ? bias[c] : 0.0f) + dot(x + r * x_stride, w + c * depth, depth);
    }
  }
}

// The first unit of part `part`, a multiple of a panel.
template <class C>
int64_t first_unit(int64_t hidden, int64_t part, int64_t parts) {
  const int64_t span = C::kUnits * kLanes, panels = (hidden + span - 1) / span;
  const int64_t unit = panels * part / parts * span;
  return unit < hidden ? unit : hidden;
}

// Parts [begin, end) of `parts` of the units through all steps, with a barrier after each.
// `f.scratch` holds the inputs of V, double buffered (2, B, R), and V h (B, G H).
template <class C>
void forward_units(const Forward& f, int64_t begin, int64_t end, int64_t parts, Barrier& barrier) {
  const Sequence& s = f.s;
  const int64_t H = s.hidden, R = s.output, B = s.batch, span = C::kUnits * kLanes;
  const int64_t from = first_unit<C>(H, begin, parts), until = first_unit<C>(H, end, parts);
  // The same range of the outputs: those units, or a share of the projection's.
  const int64_t out_from = s.projected ? R * begin / parts : from;
  const int64_t out_until = s.projected ? R * end / parts : until;
  float* products = f.scratch + 2 * B * R;
  auto feed = [&](int64_t row, float* to) {
    for (int64_t at = row * R + out_from; at < row * R + out_until; ++at) {
      to[at] = f.regularization.recurrent ? f.h[at] * f.regularization.recurrent[at] : f.h[at];
    }
  };
  for (int64_t j = 0; j < B; ++j) {
    feed(j, f.scratch);
    feed(j, f.scratch + B * R);
  }
  for (int64_t i = 0; i < s.steps; ++i) {
    barrier.wait(end - begin);
    const int64_t t = s.reverse ? s.steps - 1 - i : i;
    const int64_t rows = s.sizes[t];
    const float* fed = f.scratch + (i & 1) * B * R;
    for (int g = 0; g < C::kGates; ++g) {
      dots(fed, R, rows, f.w_hh + g * H * R, R, nullptr, from, until, products + g * H,
           C::kGates * H);
    }
    for (int64_t j = 0; j < rows; ++j) {
      const int64_t packed = s.offsets[t] + j;
      const float* u = f.u + packed * C::kGates * H;
      const float* v = products + j * C::kGates * H;
      float* to = s.projected ? f.m + j * H : f.y + packed * H;
      Place at = place_of(s, f.regularization, f.gates ? f.gates + packed * C::kKept * H : nullptr,
                          packed);
      for (at.unit = from; at.unit < until; at.unit += span) {
        Vec acc[C::kWidth];
        C::begin(acc, f, u, at.unit);
        for (int column = 0; column < C::kColumns; ++column) {
          const int64_t unit = at.unit + (C::kUnits == 1 ? 0 : column * kLanes);
          if (unit >= H) break;
          const int n = H - unit >= kLanes ? kLanes : int(H - unit);
          acc[column == C::kColumns - 1 ? C::kFromH : column] +=
              load(v + (C::kUnits == 1 ? column * H : 0) + unit, n);
        }
        C::forward(acc, at, f.h + j * R, C::kHasC ? f.c + j * H : nullptr, to);
        if constexpr (C::kHasC) C::output(acc, at, f.h + j * R, to);
      }
      if (C::kHasC && f.cells) {
        std::memcpy(f.cells + packed * H + from, f.c + j * H + from,
                    sizeof(float) * (until - from));
      }
    }
    if (s.projected) {
      barrier.wait(end - begin);
      float* y = f.y + s.offsets[t] * R;
      dots(f.m, H, rows, f.w_hr, H, nullptr, out_from, out_until, y, R);
      for (int64_t j = 0; j < rows; ++j) {
        const Place at = output_place(s, f.regularization, s.offsets[t] + j);
        for (int64_t o = out_from; at.mixes_h && o < out_until; ++o) {
          const float keep = at.zone_h ? at.zone_h[o] : at.rate_h;
          y[j * R + o] += keep * (f.h[j * R + o] - y[j * R + o]);
        }
      }
    }
    for (int64_t j = 0; j < rows; ++j) {
      std::memcpy(f.h + j * R + out_from, f.y + (s.offsets[t] + j) * R + out_from,
                  sizeof(float) * (out_until - out_from));
      feed(j, f.scratch + (~i & 1) * B * R);
    }
  }
}

}  // namespace elman::ELMAN_ARCH
