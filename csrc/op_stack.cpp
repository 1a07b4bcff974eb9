// The operator elman::stack: all layers over full sequences, nothing kept for a way back. One call
// for what inference does, since a step of a stream takes less time than a few calls from Python.
// Legend: see kernels.h; L layers.
#include <tuple>

#include "biases.h"
#include "layer.h"

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

// x (T, B, I), or (B, I) for one step; of each layer U, V, both biases or none, the projection or
// none -> y, of as many axes as x; h (L, B, R); c (L, B, H), empty where there is none.
std::tuple<Tensor, Tensor, Tensor> stack(int64_t which, int64_t layers, Tensor x, Maybe h0,
                                         Maybe c0, std::vector<Tensor> weights, double rate_h,
                                         double rate_c) {
  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  const Cell cell = Cell(which);
  const bool lstm = cell == Cell::kLstm;
  const int64_t count = int64_t(weights.size()), each = layers > 0 ? count / layers : 0;
  STD_TORCH_CHECK(2 <= each && each <= 5 && each * layers == count,
                  "every layer needs U, V, and maybe two biases and a projection");
  STD_TORCH_CHECK(x.dim() == 2 || x.dim() == 3, "x should be (T, B, I) or (B, I)");
  STD_TORCH_CHECK(lstm || !c0, "c0 goes with an LSTM");
  STD_TORCH_CHECK(!lstm || h0.has_value() == c0.has_value(), "h0 and c0, or neither");
  const bool one = x.dim() == 2, biased = each >= 4, projected = each % 2 == 1;
  const int64_t T = one ? 1 : x.size(0), B = x.size(one ? 0 : 1);
  const int64_t G = gates_of(cell), H = hidden_of(weights[1], G), R = weights[1].size(1);
  STD_TORCH_CHECK(T > 0, "x should have a step");
  STD_TORCH_CHECK(projected || R == H, "w_hh should be (G H, H)");
  if (!x.is_contiguous()) x = st::contiguous(x);
  const int64_t inputs = x.size(x.dim() - 1);
  one ? expect(x, "x", {B, inputs}) : expect(x, "x", {T, B, inputs});

  Plan plan(T, B);
  plan.s.hidden = H;
  plan.s.output = R;
  plan.s.projected = projected;
  Tensor y = one ? fresh({B, R}) : fresh({T, B, R});
  Tensor h = state_of(h0, "h0", layers, B, R);
  Tensor c = lstm ? state_of(c0, "c0", layers, B, H) : fresh({0});
  Room room;
  // What a layer reads and what it writes, by turns, until the last writes y.
  float* between[2] = {};
  for (int64_t i = 0; i < 2 && i < layers - 1; ++i) between[i] = room.take(T * B * R);

  Forward f = {};
  f.noise = noise_of({}, {}, {}, rate_h, rate_c);
  for (int64_t layer = 0; layer < layers; ++layer) {
    const Tensor* own = weights.data() + layer * each;
    const Maybe b_ih = biased ? Maybe(own[2]) : Maybe(), b_hh = biased ? Maybe(own[3]) : Maybe();
    const Maybe w_hr = projected ? Maybe(own[each - 1]) : Maybe();
    const int64_t I = layer ? R : inputs;
    check_weights(cell, {T * B, I, H, R, B}, own[0], own[1], b_ih, b_hh, w_hr);
    const Biases biases(cell, H, b_ih, b_hh);
    f.x = layer ? between[(layer - 1) % 2] : data(x);
    f.y = layer < layers - 1 ? between[layer % 2] : out(y);
    f.s = plan.s;
    f.s.input = I;
    f.w_ih = data(own[0]);
    f.w_hh = data(own[1]);
    f.w_hr = data(w_hr);
    f.bias = biases.all.data();
    f.bias_n = biases.candidate.data();
    f.h = out(h) + layer * B * R;
    f.c = lstm ? out(c) + layer * B * H : nullptr;
    run_layer(cell, f);
  }
  return {y, h, c};
}

}  // namespace elman
