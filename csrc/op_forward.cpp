// The operator elman::recurrence: check, allocate, call. Legend: see kernels.h.
#include <tuple>

#include "biases.h"
#include "layer.h"

namespace elman {

// -> y (N, R), h (B, R), c (B, H), gates, cells; the last three empty where there are none.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> recurrence(
    int64_t which, Tensor x, Tensor h0, Optional c0, Tensor w_ih, Tensor w_hh, Optional b_ih,
    Optional b_hh, Optional w_hr, Optional sizes, bool reverse, bool keep, Optional recurrent,
    Optional zone_h, Optional zone_c, double rate_h, double rate_c) {
  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  const Cell cell = Cell(which);
  const int64_t G = gates_of(cell), H = hidden_of(w_hh, G);
  Plan plan(x, h0, H, w_hr.has_value(), sizes, reverse);
  const int64_t I = plan.s.input, R = plan.s.output;
  const int64_t B = plan.s.batch, N = plan.s.total;
  check_inputs(cell, {N, I, H, R, B}, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr);
  expect(recurrent, "recurrent", {B, R});
  expect(zone_h, "zone_h", {N, R});
  expect(zone_c, "zone_c", {N, H});
  const Regularization regularization =
      regularization_of(recurrent, zone_h, zone_c, rate_h, rate_c);
  const bool keep_gates = keep && kept_of(cell, regularization) > 0;
  const bool keep_cells = keep && c0;
  auto empty = [&](bool wanted, std::vector<int64_t> shape) {
    return new_empty(wanted ? shape : std::vector<int64_t>{0});
  };
  Tensor y = new_empty({N, R});
  Tensor h = st::clone(h0);
  Tensor c = c0 ? st::clone(*c0) : new_empty({0});
  Tensor gates = empty(keep_gates, {N, kept_of(cell, regularization) * H});
  Tensor cells = empty(keep_cells, {N, H});
  const Biases biases(cell, H, b_ih, b_hh);

  Forward f = {};
  f.s = plan.s;
  f.regularization = regularization;
  f.x = data(x);
  f.w_ih = data(w_ih);
  f.w_hh = data(w_hh);
  f.w_hr = data(w_hr);
  f.bias = biases.all.data();
  f.bias_n = biases.candidate.data();
  f.y = out(y);
  f.h = out(h);
  f.c = c0 ? out(c) : nullptr;
  f.gates = keep_gates ? out(gates) : nullptr;
  f.cells = keep_cells ? out(cells) : nullptr;
  run_layer(cell, f);
  return {y, h, c, gates, cells};
}

}  // namespace elman
