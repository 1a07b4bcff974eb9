// The backward pass of one layer: packing, the loop, and the gradients of the weights.
#pragma once

#include "mutation.h"
#include "part_sums.h"

namespace elman {

// A layer's unpacked weights; the projection is null where there is none.
struct LayerWeights {
  const float *ih, *hh, *hr;
  bool biased;
};

// Their gradients, empty where there is no such weight.
struct WeightGrads {
  Tensor ih, hh, bias_ih, bias_hh, hr;
};

// The buffered rows of one part.
struct PartBuffers {
  std::vector<int64_t> places;
  Chunk chunk;

  PartBuffers(Arena& arena, const Sequence& s, int64_t rows, int64_t slots, int64_t scratches,
              const PartSums& sums, int64_t part)
      : places(rows) {
    chunk = {};
    chunk.capacity = rows;
    chunk.grads = arena.take(rows * slots * s.hidden);
    chunk.h_old = arena.take(rows * s.output);
    chunk.dp = arena.take(s.projected ? rows * s.output : 0);
    chunk.m = arena.take(s.projected ? rows * s.hidden : 0);
    chunk.scratch = arena.take(scratches);
    chunk.places = places.data();
    chunk.du = sums.of(part, 0);
    chunk.dv = sums.of(part, 1);
    chunk.db = sums.of(part, 2);
    chunk.dr = sums.of(part, 3);
  }
};

// Runs `b`, whose panels are allocated here.
inline WeightGrads run_layer_backward(Cell cell, Backward b, const LayerWeights& w) {
  const Table& kernel = table();
  const Sequence& s = b.s;
  const int64_t G = gates_of(cell), S = slots_of(cell);
  const int64_t N = s.total, B = s.batch, I = s.input, H = s.hidden, R = s.output;
  Arena arena;
  float* panels = arena.take(kernel.packed_size_backward(cell, H, R));
  float* panels_u = arena.take(b.dx ? kernel.packed_size_backward(cell, H, I) : 0);
  const Cell plain = Cell::kRnnTanh;  // a projection has no gates
  float* panels_r = arena.take(w.hr ? kernel.packed_size_backward(plain, R, H) : 0);
  in_parts(Plan::threads_for(8 * G * H * (R + I)), [&](int64_t part, int64_t of) {
    kernel.pack_backward(cell, w.hh, H, R, true, panels, part, of);
    if (w.hr) kernel.pack_backward(plain, w.hr, R, H, false, panels_r, part, of);
    if (b.dx) kernel.pack_backward(cell, w.ih, H, I, false, panels_u, part, of);
  });
  b.panels = panels;
  b.panels_u = panels_u;
  b.panels_r = panels_r;
  if (mutation == Mutation::kIgnoredInitialState) {
    float* zeros = arena.take(B * R);
    std::fill_n(zeros, B * R, 0.0f);
    b.h0 = zeros;
  }

  const int64_t flops = 2 * G * H * (R + R + I + (b.dx ? I : 0));
  const int64_t parts = Plan::parts(s, flops), threads = Plan::threads_for(N * flops);
  const int64_t scratch = kernel.products_scratch(cell, s);
  const int64_t own = (B + parts - 1) / parts;
  // With at least one part per thread, each part accumulates its own gradients; with fewer, the
  // loop runs first and then all threads share the products.
  const bool fused = parts >= threads;
  const std::vector<int64_t> projection =
      w.hr ? std::vector<int64_t>{R, H} : std::vector<int64_t>{0};
  const PartSums sums(arena, {{G * H, I}, {G * H, R}, {S * H}, projection}, fused ? parts : 1);
  std::vector<PartBuffers> buffers;
  buffers.reserve(parts);
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t most = own * s.steps;
    const int64_t rows = fused ? std::min(most, std::max(own, kChunk)) : most;
    buffers.emplace_back(arena, s, rows, S, scratch * (fused ? 1 : threads), sums,
                         fused ? part : 0);
  }
  in_parts(parts, [&](int64_t part, int64_t of) {
    fused ? sums.clear(part) : sums.clear(0, part, of);
    kernel.backward(cell, b, buffers[part].chunk, part, of, fused);
  });
  if (fused) {
    sums.join();
  } else {
    in_parts(threads, [&](int64_t share, int64_t shares) {
      for (const PartBuffers& buffer : buffers)
        kernel.products(cell, b, buffer.chunk, share, shares);
    });
  }

  // The slots of a GRU are V_n, r, z, U_n; those of the others are the gates.
  Tensor db = new_empty({0}), db_hh = db;
  if (w.biased) {
    const float* all = data(sums.tensors[2]);
    const int64_t skipped = cell == Cell::kGru ? H : 0;
    db = new_empty({G * H});
    db_hh = new_empty({G * H});
    std::copy_n(all + skipped, G * H, out(db));
    std::copy_n(all + skipped, G * H, out(db_hh));
    if (skipped) std::copy_n(all, H, out(db_hh) + 2 * H);
  }
  return {sums.tensors[0], sums.tensors[1], db, db_hh, sums.tensors[3]};
}

}  // namespace elman
