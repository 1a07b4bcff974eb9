// The operator elman::stack_backward: the way back through all layers. Legend: see kernels.h;
// L layers.
#include <tuple>

#include "layer_back.h"
#include "stack.h"

namespace elman {
namespace {

// The gradient of a state (L, B, width), to be written to: a copy of `given`, or zeros.
Tensor gradient_of(const Maybe& given, const char* name, int64_t layers, int64_t batch,
                   int64_t width) {
  expect(given, name, {layers, batch, width});
  Tensor gradient = fresh({layers, batch, width});
  if (given) {
    std::copy_n(data(*given), gradient.numel(), out(gradient));
  } else {
    std::fill_n(out(gradient), gradient.numel(), 0.0f);
  }
  return gradient;
}

// An initial state, or zeros.
const float* begin_of(const Maybe& given, const char* name, int64_t layers, int64_t batch,
                      int64_t width, Room& room) {
  expect(given, name, {layers, batch, width});
  if (given) return data(*given);
  float* zeros = room.take(layers * batch * width);
  std::fill_n(zeros, layers * batch * width, 0.0f);
  return zeros;
}

}  // namespace

// What elman::stack took, gave and kept, and the gradients of what it gave -> dx, where it is
// needed; dh0; dc0, of an LSTM; and the gradients of the weights in their order.
std::tuple<Maybe, Tensor, Maybe, std::vector<Tensor>> stack_backward(
    int64_t which, int64_t layers, Maybe dy, Maybe dh, Maybe dc, Tensor x, Maybe h0, Maybe c0,
    std::vector<Tensor> weights, Tensor y, Tensor kept, bool need_dx) {
  const Stack all(which, layers, x, weights);
  const int64_t B = all.B, H = all.H, R = all.R;
  const Keepings keepings(all);
  all.expect_steps(y, "y", R);
  if (dy) all.expect_steps(*dy, "dy", R);
  expect(kept, "kept", {keepings.size()});
  STD_TORCH_CHECK(all.lstm || (!dc && !c0), "c goes with an LSTM");

  Plan plan(all.T, B);
  plan.s.hidden = H;
  plan.s.output = R;
  plan.s.projected = all.projected;
  Room room;
  Tensor dh0 = gradient_of(dh, "dh", layers, B, R);
  const float* first_h = begin_of(h0, "h0", layers, B, R, room);
  const float* first_c = nullptr;
  Maybe dc0, dx;
  if (all.lstm) {
    dc0 = gradient_of(dc, "dc", layers, B, H);
    first_c = begin_of(c0, "c0", layers, B, H, room);
  }
  if (need_dx) dx = fresh(all.steps_shape(all.I));
  // The gradients of what lies between two layers, by turns.
  float* between[2] = {};
  for (int64_t i = 0; i < 2 && i < layers - 1; ++i) between[i] = room.take(all.T * B * R);

  std::vector<Tensor> found(weights);
  const float* above = data(dy);
  for (int64_t layer = layers - 1; layer >= 0; --layer) {
    const Stack::Layer own = all.layer(layer);
    Backward b = {};
    b.s = plan.s;
    b.s.input = all.input(layer);
    b.x = layer ? data(kept) + keepings.outputs(layer - 1) : data(x);
    b.y = layer < layers - 1 ? data(kept) + keepings.outputs(layer) : data(y);
    b.gates = kept_of(all.cell, b.noise) ? data(kept) + keepings.gates(layer) : b.y;
    b.cells = all.lstm ? data(kept) + keepings.cells(layer) : nullptr;
    b.h0 = first_h + layer * B * R;
    b.c0 = all.lstm ? first_c + layer * B * H : nullptr;
    b.dy = above;
    b.dx = layer ? between[(layer - 1) % 2] : dx ? out(*dx) : nullptr;
    b.dh = out(dh0) + layer * B * R;
    b.dc = dc0 ? out(*dc0) + layer * B * H : nullptr;
    const WeightGrads d =
        back_layer(all.cell, b, {data(own.ih), data(own.hh), data(own.hr), all.biased});
    auto at = found.begin() + layer * all.each;
    *at++ = d.ih;
    *at++ = d.hh;
    if (all.biased) {
      *at++ = d.bias_ih;
      *at++ = d.bias_hh;
    }
    if (all.projected) *at++ = d.hr;
    above = b.dx;
  }
  return {dx, dh0, dc0, found};
}

}  // namespace elman
