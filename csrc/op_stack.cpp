// The operator elman::stack: all layers over full sequences in one call, since a step of a stream
// or of a small network takes less time than a few calls from Python. Legend: see kernels.h; L
// layers.
#include <tuple>

#include "layer.h"
#include "stack.h"

namespace elman {
namespace {

// A state (L, B, width) that the loop may overwrite: a copy of `given`, or zeros.
Tensor copied_state(const Optional& given, const char* name, int64_t layers, int64_t batch,
                    int64_t width) {
  Tensor state = new_empty({layers, batch, width});
  if (!given) {
    std::fill_n(out(state), state.numel(), 0.0f);
    return state;
  }
  const Tensor whole = given->is_contiguous() ? *given : st::contiguous(*given);
  expect(whole, name, {layers, batch, width});
  std::copy_n(data(whole), state.numel(), out(state));
  return state;
}

}  // namespace

// x and weights as stack.h has them -> y, of as many axes as x; h (L, B, R); c (L, B, H), of an
// LSTM; and with `keep` what is saved for elman::stack_backward.
std::tuple<Tensor, Tensor, Optional, Optional> stack(int64_t which, int64_t layers, Tensor x,
                                                     Optional h0, Optional c0,
                                                     std::vector<Tensor> weights, double rate_h,
                                                     double rate_c, bool keep) {
  if (!x.is_contiguous()) x = st::contiguous(x);
  const Stack all(which, layers, x, weights);
  STD_TORCH_CHECK(all.lstm || !c0, "c0 goes with an LSTM");
  STD_TORCH_CHECK(!all.lstm || h0.has_value() == c0.has_value(), "h0 and c0, or neither");
  STD_TORCH_CHECK(!keep || (rate_h == 0 && rate_c == 0), "elman::stack saves nothing with zoneout");
  const int64_t B = all.B, H = all.H, R = all.R;

  Plan plan(all.T, B);
  plan.s.hidden = H;
  plan.s.output = R;
  plan.s.projected = all.projected;
  Tensor y = new_empty(all.steps_shape(R));
  Tensor h = copied_state(h0, "h0", layers, B, R);
  Optional c, kept;
  if (all.lstm) c = copied_state(c0, "c0", layers, B, H);
  const SavedForBackward saved(all);
  if (keep) kept = new_empty({saved.size()});
  Arena arena;
  // Double buffer: one layer's output is the next one's input. The last layer writes y.
  float* between[2] = {};
  for (int64_t i = 0; i < 2 && i < layers - 1 && !keep; ++i) between[i] = arena.take(all.T * B * R);

  Forward f = {};
  f.regularization = regularization_of({}, {}, {}, rate_h, rate_c);
  const float* below = data(x);
  for (int64_t layer = 0; layer < layers; ++layer) {
    const Stack::Layer own = all.layer(layer);
    const Biases biases(all.cell, H, own.bias_ih, own.bias_hh);
    f.x = below;
    f.y = layer == layers - 1 ? out(y)
          : keep              ? out(*kept) + saved.outputs(layer)
                              : between[layer % 2];
    f.s = plan.s;
    f.s.input = all.input(layer);
    f.w_ih = data(own.ih);
    f.w_hh = data(own.hh);
    f.w_hr = data(own.hr);
    f.bias = biases.all.data();
    f.bias_n = biases.candidate.data();
    f.h = out(h) + layer * B * R;
    f.c = c ? out(*c) + layer * B * H : nullptr;
    if (keep) {
      f.gates = kept_of(all.cell, f.regularization) ? out(*kept) + saved.gates(layer) : nullptr;
      f.cells = c ? out(*kept) + saved.cells(layer) : nullptr;
    }
    run_layer(all.cell, f);
    below = f.y;
  }
  return {y, h, c, kept};
}

// The same for one layer without projection or zoneout, saving nothing. A signature without a list,
// which torch takes up to a microsecond to convert; a step's work is one or two.
std::tuple<Tensor, Tensor, Optional> single(int64_t which, Tensor x, Optional h0, Optional c0,
                                            Tensor w_ih, Tensor w_hh, Optional b_ih,
                                            Optional b_hh) {
  std::vector<Tensor> weights{std::move(w_ih), std::move(w_hh)};
  if (b_ih) weights.push_back(std::move(*b_ih));
  if (b_hh) weights.push_back(std::move(*b_hh));
  auto [y, h, c, kept] =
      stack(which, 1, std::move(x), std::move(h0), std::move(c0), std::move(weights), 0, 0, false);
  return {y, h, c};
}

}  // namespace elman
