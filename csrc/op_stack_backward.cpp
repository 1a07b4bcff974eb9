// The operator elman::stack_backward, through all layers. Legend: see kernels.h; L layers.
#include <tuple>

#include "layer_backward.h"
#include "stack.h"

namespace elman {
namespace {

// The gradient of a state (L, B, width), to be overwritten: a copy of `given`, or zeros.
Tensor state_gradient(const Optional& given, const char* name, int64_t layers, int64_t batch,
                      int64_t width) {
  expect(given, name, {layers, batch, width});
  Tensor gradient = new_empty({layers, batch, width});
  if (given) {
    std::copy_n(data(*given), gradient.numel(), out(gradient));
  } else {
    std::fill_n(out(gradient), gradient.numel(), 0.0f);
  }
  return gradient;
}

// An initial state, or zeros.
const float* initial_state(const Optional& given, const char* name, int64_t layers, int64_t batch,
                           int64_t width, Arena& arena) {
  expect(given, name, {layers, batch, width});
  if (given) return data(*given);
  float* zeros = arena.take(layers * batch * width);
  std::fill_n(zeros, layers * batch * width, 0.0f);
  return zeros;
}

}  // namespace

// The inputs, outputs and saved tensor of elman::stack, and the gradients of its outputs -> dx,
// where it is needed; dh0; dc0, of an LSTM; and the gradients of the weights in their order.
std::tuple<Optional, Tensor, Optional, std::vector<Tensor>> stack_backward(
    int64_t which, int64_t layers, Optional dy, Optional dh, Optional dc, Tensor x, Optional h0,
    Optional c0, std::vector<Tensor> weights, Tensor y, Tensor kept, bool need_dx) {
  const Stack all(which, layers, x, weights);
  const int64_t B = all.B, H = all.H, R = all.R;
  const SavedForBackward saved(all);
  all.expect_steps(y, "y", R);
  if (dy) all.expect_steps(*dy, "dy", R);
  expect(kept, "kept", {saved.size()});
  STD_TORCH_CHECK(all.lstm || (!dc && !c0), "c goes with an LSTM");

  Plan plan(all.T, B);
  plan.s.hidden = H;
  plan.s.output = R;
  plan.s.projected = all.projected;
  Arena arena;
  Tensor dh0 = state_gradient(dh, "dh", layers, B, R);
  const float* first_h = initial_state(h0, "h0", layers, B, R, arena);
  const float* first_c = nullptr;
  Optional dc0, dx;
  if (all.lstm) {
    dc0 = state_gradient(dc, "dc", layers, B, H);
    first_c = initial_state(c0, "c0", layers, B, H, arena);
  }
  if (need_dx) dx = new_empty(all.steps_shape(all.I));
  // Double buffer of the gradients between two layers.
  float* between[2] = {};
  for (int64_t i = 0; i < 2 && i < layers - 1; ++i) between[i] = arena.take(all.T * B * R);

  std::vector<Tensor> found(weights);
  const float* above = data(dy);
  for (int64_t layer = layers - 1; layer >= 0; --layer) {
    const Stack::Layer own = all.layer(layer);
    Backward b = {};
    b.s = plan.s;
    b.s.input = all.input(layer);
    b.x = layer ? data(kept) + saved.outputs(layer - 1) : data(x);
    b.y = layer < layers - 1 ? data(kept) + saved.outputs(layer) : data(y);
    b.gates = kept_of(all.cell, b.regularization) ? data(kept) + saved.gates(layer) : b.y;
    b.cells = all.lstm ? data(kept) + saved.cells(layer) : nullptr;
    b.h0 = first_h + layer * B * R;
    b.c0 = all.lstm ? first_c + layer * B * H : nullptr;
    b.dy = above;
    b.dx = layer ? between[(layer - 1) % 2] : dx ? out(*dx) : nullptr;
    b.dh = out(dh0) + layer * B * R;
    b.dc = dc0 ? out(*dc0) + layer * B * H : nullptr;
    const WeightGrads d =
        run_layer_backward(all.cell, b, {data(own.ih), data(own.hh), data(own.hr), all.biased});
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
