// The operator elman::recurrence_backward: check, allocate, call. Legend: see kernels.h.
#include <tuple>

#include "sums.h"

namespace elman {
namespace {

// The rows in hand of one part.
struct Hand {
  std::vector<int64_t> places;
  Chunk chunk;

  Hand(Room& room, const Sequence& s, int64_t rows, int64_t slots, int64_t scratches,
       const PartSums& sums, int64_t part)
      : places(rows) {
    chunk = {};
    chunk.capacity = rows;
    chunk.grads = room.take(rows * slots * s.hidden);
    chunk.h_old = room.take(rows * s.output);
    chunk.dp = room.take(s.projected ? rows * s.output : 0);
    chunk.m = room.take(s.projected ? rows * s.hidden : 0);
    chunk.scratch = room.take(scratches);
    chunk.places = places.data();
    chunk.du = sums.of(part, 0);
    chunk.dv = sums.of(part, 1);
    chunk.db = sums.of(part, 2);
    chunk.dr = sums.of(part, 3);
  }
};

}  // namespace

// -> dx (N, I), dh0 (B, R), dc0 (B, H), dU, dV, db_ih, db_hh, dW_hr
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> recurrence_backward(
    int64_t which, Maybe dy, Tensor dh, Maybe dc, Tensor x, Tensor y, Tensor h0, Maybe c0,
    Tensor w_ih, Tensor w_hh, Maybe w_hr, bool has_bias, Tensor gates, Tensor cells, Maybe sizes, bool reverse,
    Maybe recurrent, Maybe zone_h, Maybe zone_c, double rate_h, double rate_c, bool need_dx) {
  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  const Cell cell = Cell(which);
  const Table& kernel = table();
  const int64_t G = gates_of(cell), H = hidden_of(w_hh, G), S = slots_of(cell);
  Plan plan(x, h0, H, w_hr.has_value(), sizes, reverse);
  const int64_t N = plan.s.total, B = plan.s.batch, I = plan.s.input, R = plan.s.output;
  const Noise noise = noise_of(recurrent, zone_h, zone_c, rate_h, rate_c);
  const int64_t kept = kept_of(cell, noise);
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
  Tensor dx = fresh(need_dx ? std::vector<int64_t>{N, I} : std::vector<int64_t>{0});
  Tensor dh0 = st::clone(dh);
  Tensor dc0 = dc ? st::clone(*dc) : fresh({0});
  Room room;
  float* panels = room.take(kernel.packed_size_back(cell, H, R));
  float* panels_u = room.take(need_dx ? kernel.packed_size_back(cell, H, I) : 0);
  const Cell plain = Cell::kRnnTanh;  // a projection has no gates
  float* panels_r = room.take(w_hr ? kernel.packed_size_back(plain, R, H) : 0);
  in_parts(Plan::threads_for(8 * G * H * (R + I)), [&](int64_t part, int64_t of) {
    kernel.pack_back(cell, data(w_hh), H, R, true, panels, part, of);
    if (w_hr) kernel.pack_back(plain, data(*w_hr), R, H, false, panels_r, part, of);
    if (need_dx) kernel.pack_back(cell, data(w_ih), H, I, false, panels_u, part, of);
  });

  Backward b = {};
  b.s = plan.s;
  b.noise = noise;
  b.x = data(x);
  b.y = data(y);
  b.h0 = data(h0);
  b.c0 = data(c0);
  b.cells = data(cells);
  b.dy = data(dy);
  b.panels = panels;
  b.panels_u = panels_u;
  b.panels_r = panels_r;
  b.gates = kept ? data(gates) : data(y);
  b.dx = need_dx ? out(dx) : nullptr;
  b.dh = out(dh0);
  b.dc = dc ? out(dc0) : nullptr;

  const int64_t flops = 2 * G * H * (R + R + I + (need_dx ? I : 0));
  const int64_t parts = Plan::parts(plan.s, flops), threads = Plan::threads_for(N * flops);
  const int64_t scratch = kernel.products_scratch(cell, plan.s);
  const int64_t own = (B + parts - 1) / parts;
  // With a part for every thread, each adds up its own; with too few rows for that, the loop runs
  // first and then all threads share the products.
  const bool fused = parts >= threads;
  const std::vector<int64_t> projection = w_hr ? std::vector<int64_t>{R, H} : std::vector<int64_t>{0};
  const PartSums sums(room, {{G * H, I}, {G * H, R}, {S * H}, projection}, fused ? parts : 1);
  std::vector<Hand> hands;
  hands.reserve(parts);
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t most = own * plan.s.steps;
    const int64_t rows = fused ? std::min(most, std::max(own, kChunk)) : most;
    hands.emplace_back(room, plan.s, rows, S, scratch * (fused ? 1 : threads),
                       sums, fused ? part : 0);
  }
  in_parts(parts, [&](int64_t part, int64_t of) {
    fused ? sums.clear(part) : sums.clear(0, part, of);
    kernel.backward(cell, b, hands[part].chunk, part, of, fused);
  });
  if (fused) {
    sums.join();
  } else {
    in_parts(threads, [&](int64_t share, int64_t shares) {
      for (const Hand& hand : hands) kernel.products(cell, b, hand.chunk, share, shares);
    });
  }

  // Of a GRU the slots stand as V_n, r, z, U_n; of the others as the gates.
  Tensor db = fresh({0}), db_hh = db;
  if (has_bias) {
    const float* all = data(sums.tensors[2]);
    const int64_t skipped = cell == Cell::kGru ? H : 0;
    db = fresh({G * H});
    db_hh = fresh({G * H});
    std::copy_n(all + skipped, G * H, out(db));
    std::copy_n(all + skipped, G * H, out(db_hh));
    if (skipped) std::copy_n(all, H, out(db_hh) + 2 * H);
  }
  return {dx, dh0, dc0, sums.tensors[0], sums.tensors[1], db, db_hh, sums.tensors[3]};
}

}  // namespace elman
