// The operator elman::recurrence_backward: check, allocate, call. Legend: see kernels.h.
#include <tuple>

#include "layer_backward.h"

namespace elman {

// -> dx (N, I), dh0 (B, R), dc0 (B, H), dU, dV, db_ih, db_hh, dW_hr
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> recurrence_backward(
    int64_t which, Optional dy, Tensor dh, Optional dc, Tensor x, Tensor y, Tensor h0, Optional c0,
    Tensor w_ih, Tensor w_hh, Optional w_hr, bool has_bias, Tensor gates, Tensor cells,
    Optional sizes, bool reverse, Optional recurrent, Optional zone_h, Optional zone_c,
    double rate_h, double rate_c, bool need_dx) {
  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  const Cell cell = Cell(which);
  const int64_t G = gates_of(cell), H = hidden_of(w_hh, G);
  Plan plan(x, h0, H, w_hr.has_value(), sizes, reverse);
  const int64_t N = plan.s.total, B = plan.s.batch, I = plan.s.input, R = plan.s.output;
  const Regularization regularization =
      regularization_of(recurrent, zone_h, zone_c, rate_h, rate_c);
  const int64_t kept = kept_of(cell, regularization);
  STD_TORCH_CHECK(w_hr || R == H, "h0 should be (B, H)");
  expect(dy, "dy", {N, R});
  expect(dh, "dh", {B, R});
  expect(dc, "dc", {B, H});
  expect(y, "y", {N, R});
  expect(c0, "c0", {B, H});
  expect(w_ih, "w_ih", {G * H, I});
  expect(w_hh, "w_hh", {G * H, R});
  expect(w_hr, "w_hr", {R, H});
  if (kept) expect(gates, "gates", {N, kept * H});
  if (cell == Cell::kLstm) {
    STD_TORCH_CHECK(c0 && dc, "an LSTM's gradients need c0 and dc");
    expect(cells, "cells", {N, H});
  }
  expect(recurrent, "recurrent", {B, R});
  expect(zone_h, "zone_h", {N, R});
  expect(zone_c, "zone_c", {N, H});
  Tensor dx = new_empty(need_dx ? std::vector<int64_t>{N, I} : std::vector<int64_t>{0});
  Tensor dh0 = st::clone(dh);
  Tensor dc0 = dc ? st::clone(*dc) : new_empty({0});

  Backward b = {};
  b.s = plan.s;
  b.regularization = regularization;
  b.x = data(x);
  b.y = data(y);
  b.h0 = data(h0);
  b.c0 = data(c0);
  b.cells = data(cells);
  b.dy = data(dy);
  b.gates = kept ? data(gates) : data(y);
  b.dx = need_dx ? out(dx) : nullptr;
  b.dh = out(dh0);
  b.dc = dc ? out(dc0) : nullptr;

  const WeightGrads d = run_layer_backward(cell, b, {data(w_ih), data(w_hh), data(w_hr), has_bias});
  return {dx, dh0, dc0, d.ih, d.hh, d.bias_ih, d.bias_hh, d.hr};
}

}  // namespace elman
