// The pointwise part of an LSTM whose c is normalized on its way to the output: o * tanh(LN(c)).
#pragma once

#include "../layer_norm_row.h"
#include "lstm.h"

namespace elman::ELMAN_ARCH {

template <>
struct Row<Lstm> {
  static constexpr int64_t kWorkspace = Lstm::kKept + 2;

  // The gates i, f, g, o of a row, and c before zoneout.
  static void cell(const Norm& norm, const float* u, const float* v, int64_t hidden,
                   const float* c_old, float* gates, float* c_new) {
    Place at = {};
    at.hidden = hidden;
    at.gates = gates;
    for (; at.unit < hidden; at.unit += kLanes) {
      const int n = at.count();
      Vec acc[Lstm::kWidth];
      begin_normed<Lstm>(acc, norm, u, v, hidden, at.unit);
      const Vec i = sigmoid(acc[0]), f = sigmoid(acc[1]), g = tanh(acc[2]);
      store(at.gate(0), i, n);
      store(at.gate(1), f, n);
      store(at.gate(2), g, n);
      store(at.gate(3), sigmoid(acc[3]), n);
      store(c_new + at.unit, f * load(c_old + at.unit, n) + i * g, n);
    }
  }

  static Vec squashed(const Norm& norm, const float* hat, int64_t unit, int n) {
    return tanh(load(hat + unit, n) * load(norm.gain_c + unit, n) + load(norm.shift_c + unit, n));
  }

  static void forward(const Norm& norm, const float* u, const float* v, Place at, const float* h,
                      float* c, float* to, float* workspace) {
    float *gates = workspace, *c_new = workspace + Lstm::kKept * at.hidden;
    cell(norm, u, v, at.hidden, c, gates, c_new);
    for (at.unit = 0; at.unit < at.hidden; at.unit += kLanes) {
      const int n = at.count();
      Vec now = load(c_new + at.unit, n);
      if (at.mixes_c) now += at.keep_c(n) * (load(c + at.unit, n) - now);
      store(c + at.unit, now, n);
    }
    normalize(c_new, at.hidden, c_new);
    for (at.unit = 0; at.unit < at.hidden; at.unit += kLanes) {
      const int n = at.count();
      Vec now = at.kept(gates, 3, n) * squashed(norm, c_new, at.unit, n);
      if (at.mixes_h) now += at.keep_h(n) * (load(h + at.unit, n) - now);
      store(to + at.unit, now, n);
    }
  }

  static void backward(const NormedBackward& b, const NormedChunk& chunk, const float* u,
                       const float* v, Place at, const float*, const float* c_old, float* dh,
                       float* dc, float* m, float* workspace) {
    float *gates = workspace, *hat = gates + Lstm::kKept * at.hidden, *d_hat = hat + at.hidden;
    cell(b.norm, u, v, at.hidden, c_old, gates, hat);
    const float scale = normalize(hat, at.hidden, hat);
    for (at.unit = 0; at.unit < at.hidden; at.unit += kLanes) {
      const int n = at.count();
      Vec grad = load(dh + at.unit, n), direct{};
      if (at.mixes_h) {
        direct = at.keep_h(n) * grad;
        grad -= direct;
      }
      const Vec o = at.kept(gates, 3, n), inner = squashed(b.norm, hat, at.unit, n);
      store(dh + at.unit, direct, n);
      if (m) store(m + at.unit, o * inner, n);
      store(at.gate(3), grad * inner * o * (1.0f - o), n);
      store(d_hat + at.unit, grad * o * (1.0f - inner * inner), n);
    }
    normalize_backward(d_hat, hat, scale, b.norm.gain_c, at.hidden, chunk.d_gain_c, chunk.d_shift_c,
                      d_hat);
    for (at.unit = 0; at.unit < at.hidden; at.unit += kLanes) {
      const int n = at.count();
      Vec grad = load(dc + at.unit, n), direct{};
      if (at.mixes_c) {
        direct = at.keep_c(n) * grad;
        grad -= direct;
      }
      grad += load(d_hat + at.unit, n);
      const Vec i = at.kept(gates, 0, n), f = at.kept(gates, 1, n), g = at.kept(gates, 2, n);
      store(at.gate(0), grad * g * i * (1.0f - i), n);
      store(at.gate(1), grad * load(c_old + at.unit, n) * f * (1.0f - f), n);
      store(at.gate(2), grad * i * (1.0f - g * g), n);
      store(dc + at.unit, grad * f + direct, n);
    }
  }
};

}  // namespace elman::ELMAN_ARCH
