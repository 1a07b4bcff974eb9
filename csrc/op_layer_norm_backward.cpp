// The operator elman::normed_backward: check, allocate, call. Legend: see kernels.h.
#include <tuple>

#include "norm_parameters.h"
#include "part_sums.h"

namespace elman {
namespace {

// The buffered rows of one part.
struct PartBuffers {
  std::vector<int64_t> places;
  NormedChunk own = {};

  PartBuffers(Arena& arena, const NormedBackward& n, int64_t rows, int64_t scratch,
              int64_t workspace)
      : places(rows) {
    const Sequence& s = n.b.s;
    own.chunk.grads = arena.take(rows * n.width);
    own.grads_v = arena.take(rows * n.width);
    own.chunk.h_old = arena.take(rows * s.output);
    own.chunk.dp = arena.take(s.projected ? rows * s.output : 0);
    own.chunk.m = arena.take(s.projected ? rows * s.hidden : 0);
    own.chunk.scratch = arena.take(scratch);
    own.workspace = arena.take(workspace);
    own.chunk.capacity = rows;
    own.chunk.places = places.data();
  }
};

}  // namespace

// -> dx (N, I), dh0 (B, R), dc0 (B, H), dU, dV, db_ih, db_hh, dW_hr, and of the gains and shifts
// d_norm_ih, d_norm_hh, d_norm_c, d_norm_c_bias; empty where there are none.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor,
           Tensor>
normed_backward(int64_t which, Optional dy, Tensor dh, Optional dc, Tensor x, Tensor y, Tensor h0,
                Optional c0, Tensor w_ih, Tensor w_hh, Optional b_ih, Optional b_hh, Optional w_hr,
                Tensor gain_ih, Tensor gain_hh, Optional gain_c, Optional shift_c, Tensor u,
                Tensor v, Tensor scales, Tensor cells, Optional sizes, bool reverse,
                Optional recurrent, Optional zone_h, Optional zone_c, double rate_h, double rate_c,
                bool need_dx) {
  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  const Cell cell = Cell(which);
  const Table& kernel = table();
  const int64_t W = w_hh.size(0), H = hidden_of(w_hh, gates_of(cell));
  Plan plan(x, h0, H, w_hr.has_value(), sizes, reverse);
  const int64_t I = plan.s.input, R = plan.s.output, B = plan.s.batch, N = plan.s.total;
  check_inputs(cell, {N, I, H, R, B}, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr);
  const NormParameters norm_parameters(cell, W, H, b_ih, b_hh, gain_ih, gain_hh, gain_c, shift_c);
  expect(dy, "dy", {N, R});
  expect(dh, "dh", {B, R});
  expect(dc, "dc", {B, H});
  expect(y, "y", {N, R});
  expect(u, "u", {N, W});
  expect(v, "v", {N, W});
  expect(scales, "scales", {2, N});
  expect(recurrent, "recurrent", {B, R});
  expect(zone_h, "zone_h", {N, R});
  expect(zone_c, "zone_c", {N, H});
  const bool lstm = cell == Cell::kLstm;
  STD_TORCH_CHECK(dc.has_value() == lstm, "dc goes with an LSTM, and only there");
  if (lstm) expect(cells, "cells", {N, H});

  Tensor dx = new_empty(need_dx ? std::vector<int64_t>{N, I} : std::vector<int64_t>{0});
  Tensor dh0 = st::clone(dh);
  Tensor dc0 = dc ? st::clone(*dc) : new_empty({0});
  const Cell plain = Cell::kRnnTanh;  // a projection has no gates
  Arena arena;
  float* panels = arena.take(kernel.packed_size_backward(cell, H, R));
  float* panels_u = arena.take(need_dx ? kernel.packed_size_backward(cell, H, I) : 0);
  float* panels_r = arena.take(w_hr ? kernel.packed_size_backward(plain, R, H) : 0);
  in_parts(Plan::threads_for(8 * W * (R + I)), [&](int64_t part, int64_t of) {
    kernel.pack_backward(cell, data(w_hh), H, R, false, panels, part, of);
    if (w_hr) kernel.pack_backward(plain, data(*w_hr), R, H, false, panels_r, part, of);
    if (need_dx) kernel.pack_backward(cell, data(w_ih), H, I, false, panels_u, part, of);
  });

  NormedBackward n = {};
  n.b.s = plan.s;
  n.b.regularization = regularization_of(recurrent, zone_h, zone_c, rate_h, rate_c);
  n.b.x = data(x);
  n.b.y = data(y);
  n.b.h0 = data(h0);
  n.b.c0 = data(c0);
  n.b.cells = data(cells);
  n.b.dy = data(dy);
  n.b.panels = panels;
  n.b.panels_u = panels_u;
  n.b.panels_r = panels_r;
  n.b.dx = need_dx ? out(dx) : nullptr;
  n.b.dh = out(dh0);
  n.b.dc = dc ? out(dc0) : nullptr;
  n.norm = norm_parameters.norm;
  n.width = W;
  n.u = data(u);
  n.v = data(v);
  n.scale_u = data(scales);
  n.scale_v = data(scales) + N;

  const int64_t parts = Plan::parts(plan.s, 2 * W * (R + R + I + (need_dx ? I : 0)));
  const int64_t own = (B + parts - 1) / parts;
  const int64_t rows = std::min(own * plan.s.steps, std::max(own, kChunk));
  const int64_t C = lstm ? H : 0;
  const std::vector<int64_t> projection =
      w_hr ? std::vector<int64_t>{R, H} : std::vector<int64_t>{0};
  // With or without biases, which the loop treats as shifts.
  const PartSums sums(arena, {{W, I}, {W, R}, {W}, {W}, projection, {W}, {W}, {C}, {C}}, parts);
  std::vector<PartBuffers> buffers;
  buffers.reserve(parts);
  for (int64_t part = 0; part < parts; ++part) {
    buffers.emplace_back(arena, n, rows, kernel.products_scratch(cell, plan.s),
                         kernel.normed_workspace(cell, H));
    NormedChunk& buffer = buffers.back().own;
    float** const members[] = {&buffer.chunk.du,  &buffer.chunk.dv, &buffer.d_shift_u,
                               &buffer.d_shift_v, &buffer.chunk.dr, &buffer.d_gain_u,
                               &buffer.d_gain_v,  &buffer.d_gain_c, &buffer.d_shift_c};
    for (size_t i = 0; i < std::size(members); ++i) *members[i] = sums.of(part, i);
  }
  in_parts(parts, [&](int64_t part, int64_t of) {
    sums.clear(part);
    kernel.normed_backward(cell, n, buffers[part].own, part, of);
  });
  sums.join();
  const auto& found = sums.tensors;
  return {dx,       dh0,      dc0,      found[0], found[1], found[2],
          found[3], found[4], found[5], found[6], found[7], found[8]};
}

}  // namespace elman
