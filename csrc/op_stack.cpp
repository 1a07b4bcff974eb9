// The operator elman::stack: all layers over full sequences. One call for a whole layer, since a
// step of a stream, or a small network's training, takes less time than a few calls from Python.
// Legend: see kernels.h; L layers.
#include <tuple>

#include "layer.h"
#include "stack.h"

namespace elman {
namespace {

// A state (L, B, width) that the loop may write to: a copy of `given`, or zeros.
Tensor state_of(const Maybe& given, const char* name, int64_t layers, int64_t batch, int64_t width) {
  Tensor state = fresh({layers, batch, width});
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
// LSTM; and with `keep` what elman::stack_backward needs.
std::tuple<Tensor, Tensor, Maybe, Maybe> stack(int64_t which, int64_t layers, Tensor x, Maybe h0,
                                               Maybe c0, std::vector<Tensor> weights,
                                               double rate_h, double rate_c, bool keep) {
  if (!x.is_contiguous()) x = st::contiguous(x);
  const Stack all(which, layers, x, weights);
  STD_TORCH_CHECK(all.lstm || !c0, "c0 goes with an LSTM");
  STD_TORCH_CHECK(!all.lstm || h0.has_value() == c0.has_value(), "h0 and c0, or neither");
  STD_TORCH_CHECK(!keep || (rate_h == 0 && rate_c == 0), "no way back through zoneout here");
  const int64_t B = all.B, H = all.H, R = all.R;

  Plan plan(all.T, B);
  plan.s.hidden = H;
  plan.s.output = R;
  plan.s.projected = all.projected;
  Tensor y = fresh(all.steps_shape(R));
  Tensor h = state_of(h0, "h0", layers, B, R);
  Maybe c, kept;
  if (all.lstm) c = state_of(c0, "c0", layers, B, H);
  const Keepings keepings(all);
  if (keep) kept = fresh({keepings.size()});
  Room room;
  // What a layer reads and what it writes, by turns, until the last writes y.
  float* between[2] = {};
  for (int64_t i = 0; i < 2 && i < layers - 1 && !keep; ++i) between[i] = room.take(all.T * B * R);

  Forward f = {};
  f.noise = noise_of({}, {}, {}, rate_h, rate_c);
  const float* below = data(x);
  for (int64_t layer = 0; layer < layers; ++layer) {
    const Stack::Layer own = all.layer(layer);
    const Biases biases(all.cell, H, own.bias_ih, own.bias_hh);
    f.x = below;
    f.y = layer == layers - 1 ? out(y) : keep ? out(*kept) + keepings.outputs(layer)
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
      f.gates = kept_of(all.cell, f.noise) ? out(*kept) + keepings.gates(layer) : nullptr;
      f.cells = c ? out(*kept) + keepings.cells(layer) : nullptr;
    }
    run_layer(all.cell, f);
    below = f.y;
  }
  return {y, h, c, kept};
}

// The same for one layer without projection or noise, of which nothing is kept: torch converts each
// argument, and a list most slowly, in up to a microsecond, where a step's work is one or two.
std::tuple<Tensor, Tensor, Maybe> single(int64_t which, Tensor x, Maybe h0, Maybe c0, Tensor w_ih,
                                         Tensor w_hh, Maybe b_ih, Maybe b_hh) {
  std::vector<Tensor> weights{std::move(w_ih), std::move(w_hh)};
  if (b_ih) weights.push_back(std::move(*b_ih));
  if (b_hh) weights.push_back(std::move(*b_hh));
  auto [y, h, c, kept] = stack(which, 1, std::move(x), std::move(h0), std::move(c0),
                               std::move(weights), 0, 0, false);
  return {y, h, c};
}

}  // namespace elman
