// The operator elman::step: one step of a few rows, nothing kept for a way back. What a stream
// calls for ever, so it allocates its results and no other tensor. Legend: see kernels.h.
#include <tuple>

#include "biases.h"
#include "few_rows.h"
#include "plan.h"

namespace elman {

// -> h (B, R), c (B, H); the last empty where there is none.
std::tuple<Tensor, Tensor> step(int64_t which, Tensor x, Tensor h0, Maybe c0, Tensor w_ih,
                                Tensor w_hh, Maybe b_ih, Maybe b_hh, Maybe w_hr,
                                Maybe recurrent, double rate_h, double rate_c) {
  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  const Cell cell = Cell(which);
  STD_TORCH_CHECK(x.dim() == 2 && h0.dim() == 2, "x should be (B, I) and h0 (B, R)");
  const int64_t G = gates_of(cell), H = hidden_of(w_hh, G);
  const int64_t B = h0.size(0), R = h0.size(1), I = x.size(1);
  check_inputs(cell, {B, I, H, R, B}, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr);
  expect(recurrent, "recurrent", {B, R});

  Tensor y = st::new_empty(x, {B, R});
  Tensor c = st::new_empty(x, {c0 ? B : 0, c0 ? H : 0});
  if (c0) std::copy_n(data(*c0), B * H, out(c));
  // Small and made at every step: memory of the thread's own, which grows to what it once needed.
  static thread_local std::vector<float> room;
  const int64_t loop = B * (2 * R + G * H), needed = loop + B * (G * H + R + H);
  if (int64_t(room.size()) < needed) room.resize(needed);
  float* u = room.data() + loop;
  float* h = u + B * G * H;
  std::copy_n(data(h0), B * R, h);
  const Biases biases(cell, H, b_ih, b_hh);
  const int64_t sizes[] = {B}, offsets[] = {0};

  Forward f = {};
  f.s = {1, B, I, H, R, B, sizes, offsets, false, w_hr.has_value()};
  f.noise = noise_of(recurrent, {}, {}, rate_h, rate_c);
  f.x = data(x);
  f.w_ih = data(w_ih);
  f.w_hh = data(w_hh);
  f.w_hr = data(w_hr);
  f.bias = biases.all.data();
  f.bias_n = biases.candidate.data();
  f.y = out(y);
  f.h = h;
  f.m = h + B * R;
  f.c = c0 ? out(c) : nullptr;
  f.scratch = room.data();
  run_few(cell, f, u);
  return {y, c};
}

}  // namespace elman
