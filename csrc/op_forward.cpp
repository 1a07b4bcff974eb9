// The operator elman::recurrence: check, allocate, call. Legend: see kernels.h.
#include <tuple>

#include "biases.h"
#include "few_rows.h"
#include "plan.h"

namespace elman {
namespace {

void run_packed(Cell cell, const Table& kernel, Forward f, const Plan& plan, const Tensor& like) {
  const Sequence& s = f.s;
  const int64_t G = gates_of(cell), H = s.hidden, I = s.input, R = s.output;
  Tensor panels_u = fresh(like, {kernel.packed_size(cell, H, I)});
  Tensor panels_v = fresh(like, {kernel.packed_size(cell, H, R)});
  // A projection is packed as an RNN's matrix is: several vectors of outputs side by side.
  const Cell plain = Cell::kRnnTanh;
  Tensor panels_r = fresh(like, {s.projected ? kernel.packed_size(plain, R, H) : 0});
  Tensor m = fresh(like, {s.projected ? s.batch * H : 0});
  Tensor scratch = fresh(like, {f.noise.recurrent ? s.batch * R : 0});
  in_parts(Plan::threads_for(8 * G * H * (R + I)), [&](int64_t part, int64_t of) {
    kernel.pack(cell, f.w_ih, H, I, out(panels_u), part, of);
    kernel.pack(cell, f.w_hh, H, R, out(panels_v), part, of);
    if (s.projected) kernel.pack(plain, f.w_hr, R, H, out(panels_r), part, of);
  });
  f.panels_u = data(panels_u);
  f.panels_v = data(panels_v);
  f.panels_r = data(panels_r);
  f.m = out(m);
  f.scratch = out(scratch);
  in_parts(plan.parts(2 * G * H * (R + I)),
           [&](int64_t part, int64_t of) { kernel.forward(cell, f, part, of); });
}

}  // namespace

// -> y (N, R), h (B, R), c (B, H), gates, cells; the last three empty where there are none.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> recurrence(
    int64_t which, Tensor x, Tensor h0, Maybe c0, Tensor w_ih, Tensor w_hh, Maybe b_ih, Maybe b_hh,
    Maybe w_hr, Maybe sizes, bool reverse, bool keep, Maybe recurrent, Maybe zone_h, Maybe zone_c,
    double rate_h, double rate_c) {
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
  const Noise noise = noise_of(recurrent, zone_h, zone_c, rate_h, rate_c);
  const bool keep_gates = keep && kept_of(cell, noise) > 0;
  const bool keep_cells = keep && c0;
  auto empty = [&](bool wanted, std::vector<int64_t> shape) {
    return fresh(x, wanted ? shape : std::vector<int64_t>{0});
  };
  Tensor y = fresh(x, {N, R});
  Tensor h = st::clone(h0);
  Tensor c = c0 ? st::clone(*c0) : fresh(x, {0});
  Tensor gates = empty(keep_gates, {N, kept_of(cell, noise) * H});
  Tensor cells = empty(keep_cells, {N, H});
  const Biases biases(cell, H, b_ih, b_hh);

  Forward f = {};
  f.s = plan.s;
  f.noise = noise;
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
  // Not by the number of threads, on which no bit may depend.
  if (B < kFewRows || plan.s.steps <= kFewSteps) {
    Tensor u = fresh(x, {N, G * H});
    Tensor scratch = fresh(x, {B * (2 * R + (G + 1) * H)});
    f.scratch = out(scratch);
    f.m = f.scratch + B * (2 * R + G * H);
    run_few(cell, f, out(u));
  } else {
    run_packed(cell, table(), f, plan, x);
  }
  return {y, h, c, gates, cells};
}

}  // namespace elman
