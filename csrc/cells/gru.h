// The pointwise part of a GRU, in torch's variant: the reset gate acts after the product with V.
// Saved for the backward pass: v_n = V_n h + b_hn, r, z, n. Their slots of gradients are those of
// V_n h, r, z and U_n x before the nonlinearities.
#pragma once

#include "../backward.h"

namespace elman::ELMAN_ARCH {

struct Gru {
  static constexpr int kGates = 3, kUnits = 1, kColumns = 3, kWidth = 4, kFromX = 3, kFromH = 2;
  static constexpr int kKept = 4;
  static constexpr bool kHasC = false;
  static constexpr int kThroughU[] = {-1, 0, 1, 2}, kThroughV[] = {2, 0, 1, -1}, kFirstU = 1;

  static void begin(Vec* acc, const Forward& f, const float* u, int64_t unit) {
    const int64_t H = f.s.hidden, left = H - unit;
    const int n = left >= kLanes ? kLanes : int(left);
    const float* from = u ? u : f.bias;
    acc[0] = load(from + unit, n);
    acc[1] = load(from + H + unit, n);
    acc[2] = load(f.bias_n + unit, n);
    acc[3] = load(from + 2 * H + unit, n);
  }

  static void forward(Vec* acc, const Place& at, const float* h, float*, float* y) {
    const int n = at.count();
    Vec r = sigmoid(acc[0]), z = sigmoid(acc[1]), v_n = acc[2];
    Vec candidate = tanh(acc[3] + r * v_n);
    Vec old = load(h + at.unit, n);
    Vec now = candidate + z * (old - candidate);
    if (at.gates) {
      store(at.gate(0), v_n, n);
      store(at.gate(1), r, n);
      store(at.gate(2), z, n);
      store(at.gate(3), candidate, n);
    }
    if (at.mixes_h) now += at.keep_h(n) * (old - now);
    store(y + at.unit, now, n);
  }

  static Vec backward(Vec dh, const float* gates, const Place& at, int n, Vec h_old, Vec, float*,
                      float*) {
    Vec direct{};
    if (at.mixes_h) {
      direct = at.keep_h(n) * dh;
      dh -= direct;
    }
    Vec v_n = at.kept(gates, 0, n), r = at.kept(gates, 1, n);
    Vec z = at.kept(gates, 2, n), candidate = at.kept(gates, 3, n);
    Vec dn = dh * (1.0f - z) * (1.0f - candidate * candidate);
    store(at.gate(0), dn * r, n);
    store(at.gate(1), dn * v_n * r * (1.0f - r), n);
    store(at.gate(2), dh * (h_old - candidate) * z * (1.0f - z), n);
    store(at.gate(3), dn, n);
    return direct + dh * z;
  }
};

}  // namespace elman::ELMAN_ARCH
