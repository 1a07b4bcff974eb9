// Layer normalization of one row at one step, and the pointwise part of a cell after it.
// Source: Ba et al. 2016, arXiv:1607.06450; gates together, as in its equations 20 to 22.
#pragma once

#include "backward.h"

namespace elman::ELMAN_ARCH {

constexpr float kNormEpsilon = 1e-5f;  // torch's

// The sum over i < count of term(i, n), a vector at i of which n lanes count and others are zero.
template <class Term>
inline float sum_of(int64_t count, Term&& term) {
  Vec part[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) part[v] += term(i + v * kLanes, kLanes);
  }
  for (; i < count; i += kLanes) {
    part[0] += term(i, count - i >= kLanes ? kLanes : int(count - i));
  }
  const Four each = sums(part[0], part[1], part[2], part[3]);
  return (each[0] + each[1]) + (each[2] + each[3]);
}

template <class Take>
inline void over_vectors(int64_t count, Take&& take) {
  for (int64_t i = 0; i < count; i += kLanes)
    take(i, count - i >= kLanes ? kLanes : int(count - i));
}

// to = (from - mean) * scale, with scale = 1 / sqrt(variance + epsilon), which is returned.
inline float normalize(const float* from, int64_t count, float* to) {
  const float mean = sum_of(count, [&](int64_t i, int n) { return load(from + i, n); }) / count;
  const float squares = sum_of(count, [&](int64_t i, int n) {
    store(to + i, load(from + i, n) - mean, n);
    const Vec centered = load(to + i, n);  // loaded again, since lanes past the end are zero now
    return centered * centered;
  });
  const float scale = 1.0f / __builtin_sqrtf(squares / count + kNormEpsilon);
  over_vectors(count, [&](int64_t i, int n) { store(to + i, load(to + i, n) * scale, n); });
  return scale;
}

// The backward pass of `normalize` (which gave `hat` and `scale`), its gain and its shift: from
// `grads` to `out`, which may be the same.
inline void normalize_backward(const float* grads, const float* hat, float scale, const float* gain,
                               int64_t count, float* d_gain, float* d_shift, float* out) {
  const float mean =
      sum_of(count, [&](int64_t i, int n) { return load(grads + i, n) * load(gain + i, n); }) /
      count;
  const float along = sum_of(count,
                             [&](int64_t i, int n) {
                               return load(grads + i, n) * load(gain + i, n) * load(hat + i, n);
                             }) /
                      count;
  over_vectors(count, [&](int64_t i, int n) {
    const Vec grad = load(grads + i, n), x = load(hat + i, n);
    store(d_gain + i, load(d_gain + i, n) + grad * x, n);
    store(d_shift + i, load(d_shift + i, n) + grad, n);
    store(out + i, scale * (grad * load(gain + i, n) - mean - x * along), n);
  });
}

// The pre-activations at unit `unit`: the normalized U x and V h of a row (`u`, `v`) with their
// gains and shifts.
template <class C>
inline void begin_normed(Vec* acc, const Norm& norm, const float* u, const float* v, int64_t hidden,
                         int64_t unit) {
  for (int column = 0; column < C::kColumns; ++column) {
    const int64_t own = unit + (C::kUnits == 1 ? 0 : column * kLanes), left = hidden - own;
    const int64_t i = own + (C::kUnits == 1 ? column * hidden : 0);
    const int n = left >= kLanes ? kLanes : left > 0 ? int(left) : 0;
    if (n == 0) {
      acc[column] = Vec{};
      continue;
    }
    const Vec of_u = load(u + i, n) * load(norm.gain_u + i, n) + load(norm.shift_u + i, n);
    const Vec of_v = load(v + i, n) * load(norm.gain_v + i, n) + load(norm.shift_v + i, n);
    if (column == C::kColumns - 1 && C::kFromX != C::kFromH) {
      acc[C::kFromX] = of_u;
      acc[C::kFromH] = of_v;
    } else {
      acc[column] = of_u + of_v;
    }
  }
}

// The pointwise part of one row at one step; an LSTM, which normalizes c, has its own.
template <class C>
struct Row {
  static constexpr int64_t kWorkspace = C::kKept + 1;  // times H floats of `workspace`

  // From `h`, and `c` in place, to the output `to`.
  static void forward(const Norm& norm, const float* u, const float* v, Place at, const float* h,
                      float*, float* to, float*) {
    for (; at.unit < at.hidden; at.unit += C::kUnits * kLanes) {
      Vec acc[C::kWidth];
      begin_normed<C>(acc, norm, u, v, at.hidden, at.unit);
      C::forward(acc, at, h, nullptr, to);
    }
  }

  // The gates are recomputed from what is saved for the normalization anyway. `dh` is the gradient
  // of the step's output and becomes the direct gradient of the old h, without the part through V.
  // `at.gates` gets the gradients of the pre-activations.
  static void backward(const NormedBackward& b, const NormedChunk&, const float* u, const float* v,
                       Place at, const float* h_old, const float*, float* dh, float*, float*,
                       float* workspace) {
    float *gates = workspace, *unused = workspace + C::kKept * at.hidden;
    Place again = {};
    again.hidden = at.hidden;
    again.gates = gates;
    forward(b.norm, u, v, again, h_old, nullptr, unused, nullptr);
    for (; at.unit < at.hidden; at.unit += kLanes) {
      const int n = at.count();
      const Vec grad = load(dh + at.unit, n), h = load(h_old + at.unit, n);
      store(dh + at.unit, C::backward(grad, gates, at, n, h, Vec{}, nullptr, nullptr), n);
    }
  }
};

}  // namespace elman::ELMAN_ARCH
