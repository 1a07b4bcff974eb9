// One layer's way back: weights packed, the loop, and the gradients of the weights.
#pragma once

#include "sums.h"

namespace elman {

// A layer's weights as they lie, the projection null where there is none.
struct LayerWeights {
  const float *ih, *hh, *hr;
  bool biased;
};

// Their gradients, of no size where there is no such weight.
struct WeightGrads {
  Tensor ih, hh, bias_ih, bias_hh, hr;
};

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

// Runs `b`, whose panels are made here.
inline WeightGrads back_layer(Cell cell, Backward b, const LayerWeights& w) {
  const Table& kernel = table();
  const Sequence& s = b.s;
  const int64_t G = gates_of(cell), S = slots_of(cell);
  const int64_t N = s.total, B = s.batch, I = s.input, H = s.hidden, R = s.output;
  Room room;
  float* panels = room.take(kernel.packed_size_back(cell, H, R));
  float* panels_u = room.take(b.dx ? kernel.packed_size_back(cell, H, I) : 0);
  const Cell plain = Cell::kRnnTanh;  // a projection has no gates
  float* panels_r = room.take(w.hr ? kernel.packed_size_back(plain, R, H) : 0);
  in_parts(Plan::threads_for(8 * G * H * (R + I)), [&](int64_t part, int64_t of) {
    kernel.pack_back(cell, w.hh, H, R, true, panels, part, of);
    if (w.hr) kernel.pack_back(plain, w.hr, R, H, false, panels_r, part, of);
    if (b.dx) kernel.pack_back(cell, w.ih, H, I, false, panels_u, part, of);
  });
  b.panels = panels;
  b.panels_u = panels_u;
  b.panels_r = panels_r;

  const int64_t flops = 2 * G * H * (R + R + I + (b.dx ? I : 0));
  const int64_t parts = Plan::parts(s, flops), threads = Plan::threads_for(N * flops);
  const int64_t scratch = kernel.products_scratch(cell, s);
  const int64_t own = (B + parts - 1) / parts;
  // With a part for every thread, each adds up its own; with too few rows for that, the loop runs
  // first and then all threads share the products.
  const bool fused = parts >= threads;
  const std::vector<int64_t> projection = w.hr ? std::vector<int64_t>{R, H} : std::vector<int64_t>{0};
  const PartSums sums(room, {{G * H, I}, {G * H, R}, {S * H}, projection}, fused ? parts : 1);
  std::vector<Hand> hands;
  hands.reserve(parts);
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t most = own * s.steps;
    const int64_t rows = fused ? std::min(most, std::max(own, kChunk)) : most;
    hands.emplace_back(room, s, rows, S, scratch * (fused ? 1 : threads), sums, fused ? part : 0);
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
  if (w.biased) {
    const float* all = data(sums.tensors[2]);
    const int64_t skipped = cell == Cell::kGru ? H : 0;
    db = fresh({G * H});
    db_hh = fresh({G * H});
    std::copy_n(all + skipped, G * H, out(db));
    std::copy_n(all + skipped, G * H, out(db_hh));
    if (skipped) std::copy_n(all, H, out(db_hh) + 2 * H);
  }
  return {sums.tensors[0], sums.tensors[1], db, db_hh, sums.tensors[3]};
}

}  // namespace elman
