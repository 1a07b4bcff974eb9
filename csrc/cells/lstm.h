// The pointwise part of an LSTM. Saved for the backward pass: i, f, g, o, and c after each step.
#pragma once

#include "../backward.h"

namespace elman::ELMAN_ARCH {

struct Lstm {
  static constexpr int kGates = 4, kUnits = 1, kColumns = 4, kWidth = 4, kFromX = 3, kFromH = 3;
  static constexpr int kKept = 4;
  static constexpr bool kHasC = true;
  static constexpr int kThroughU[] = {0, 1, 2, 3}, kThroughV[] = {0, 1, 2, 3}, kFirstU = 0;

  static void begin(Vec* acc, const Forward& f, const float* u, int64_t unit) {
    const int64_t H = f.s.hidden, left = H - unit;
    const int n = left >= kLanes ? kLanes : int(left);
    const float* from = u ? u : f.bias;
    for (int g = 0; g < kGates; ++g) acc[g] = load(from + g * H + unit, n);
  }

  static void forward(Vec* acc, const Place& at, const float*, float* c, float*) {
    const int n = at.count();
    Vec i = sigmoid(acc[0]), f = sigmoid(acc[1]), g = tanh(acc[2]), o = sigmoid(acc[3]);
    Vec c_old = load(c + at.unit, n);
    Vec c_now = f * c_old + i * g;
    acc[0] = c_now;
    acc[3] = o;
    if (at.gates) {
      store(at.gate(0), i, n);
      store(at.gate(1), f, n);
      store(at.gate(2), g, n);
      store(at.gate(3), o, n);
    }
    if (at.mixes_c) c_now += at.keep_c(n) * (c_old - c_now);
    store(c + at.unit, c_now, n);
  }

  // Separate from the gates, so that the tanh of several rows, each a long chain, overlap.
  static void output(const Vec* acc, const Place& at, const float* h, float* y) {
    const int n = at.count();
    Vec now = acc[3] * tanh(acc[0]);
    if (at.mixes_h) now += at.keep_h(n) * (load(h + at.unit, n) - now);
    store(y + at.unit, now, n);
  }

  static Vec backward(Vec dh, const float* gates, const Place& at, int n, Vec, Vec c_old,
                      float* dc_row, float* m) {
    Vec direct{}, dc = load(dc_row, n), dc_direct{};
    if (at.mixes_h) {
      direct = at.keep_h(n) * dh;
      dh -= direct;
    }
    if (at.mixes_c) {
      dc_direct = at.keep_c(n) * dc;
      dc -= dc_direct;
    }
    Vec i = at.kept(gates, 0, n), f = at.kept(gates, 1, n);
    Vec g = at.kept(gates, 2, n), o = at.kept(gates, 3, n);
    Vec squashed = tanh(f * c_old + i * g);
    if (m) store(m, o * squashed, n);
    dc += dh * o * (1.0f - squashed * squashed);
    store(at.gate(0), dc * g * i * (1.0f - i), n);
    store(at.gate(1), dc * c_old * f * (1.0f - f), n);
    store(at.gate(2), dc * i * (1.0f - g * g), n);
    store(at.gate(3), dh * squashed * o * (1.0f - o), n);
    store(dc_row, dc * f + dc_direct, n);
    return direct;
  }
};

}  // namespace elman::ELMAN_ARCH
