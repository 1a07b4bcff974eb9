// The pointwise part of Elman's cell. Saved for the backward pass: the nonlinearity's output.
#pragma once

#include "../backward.h"

namespace elman::ELMAN_ARCH {

template <bool Relu>
struct Rnn {
  static constexpr int kGates = 1, kUnits = kPanelVectors, kColumns = 4, kWidth = 4, kFromX = 3,
                       kFromH = 3;
  static constexpr int kKept = 1;
  static constexpr bool kHasC = false;
  static constexpr int kThroughU[] = {0}, kThroughV[] = {0}, kFirstU = 0;

  static void begin(Vec* acc, const Forward& f, const float* u, int64_t unit) {
    const float* from = u ? u : f.bias;
    for (int v = 0; v < kUnits; ++v) {
      const int64_t left = f.s.hidden - unit - v * kLanes;
      acc[v] =
          left > 0 ? load(from + unit + v * kLanes, left >= kLanes ? kLanes : int(left)) : Vec{};
    }
  }

  static void forward(Vec* acc, const Place& at, const float* h, float*, float* y) {
    for (int v = 0; v < kUnits && at.unit + v * kLanes < at.hidden; ++v) {
      const int n = at.count(v);
      const int64_t u = at.unit + v * kLanes;
      // max(0, a) that propagates NaN, as torch's does.
      Vec a = Relu ? select(acc[v] < splat(0), splat(0), acc[v]) : tanh(acc[v]);
      if (at.gates) store(at.gate(0, v), a, n);
      if (at.mixes_h) a += at.keep_h(n, v) * (load(h + u, n) - a);
      store(y + u, a, n);
    }
  }

  static Vec backward(Vec dh, const float* gates, const Place& at, int n, Vec, Vec, float*,
                      float*) {
    Vec direct{};
    if (at.mixes_h) {
      direct = at.keep_h(n) * dh;
      dh -= direct;
    }
    Vec a = at.kept(gates, 0, n);
    store(at.gate(0), Relu ? select(a > splat(0), dh, Vec{}) : dh * (1.0f - a * a), n);
    return direct;
  }
};

}  // namespace elman::ELMAN_ARCH
