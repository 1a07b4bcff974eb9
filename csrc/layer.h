// The forward pass of one layer, with packed weights or, for few rows or steps, unpacked ones.
#pragma once

#include "arena.h"
#include "mutation.h"
#include "run_unpacked.h"

namespace elman {

inline void run_packed(Cell cell, const Table& kernel, Forward f, Arena& arena) {
  const Sequence& s = f.s;
  const int64_t G = gates_of(cell), H = s.hidden, I = s.input, R = s.output;
  // A projection is packed like an RNN's matrix: several vectors of outputs to a panel.
  const Cell plain = Cell::kRnnTanh;
  float* panels_u = arena.take(kernel.packed_size(cell, H, I));
  float* panels_v = arena.take(kernel.packed_size(cell, H, R));
  float* panels_r = arena.take(s.projected ? kernel.packed_size(plain, R, H) : 0);
  f.m = arena.take(s.projected ? s.batch * H : 0);
  f.scratch = arena.take(f.regularization.recurrent ? s.batch * R : 0);
  in_parts(Plan::threads_for(8 * G * H * (R + I)), [&](int64_t part, int64_t of) {
    kernel.pack(cell, f.w_ih, H, I, panels_u, part, of);
    kernel.pack(cell, f.w_hh, H, R, panels_v, part, of);
    if (s.projected) kernel.pack(plain, f.w_hr, R, H, panels_r, part, of);
  });
  f.panels_u = panels_u;
  f.panels_v = panels_v;
  f.panels_r = panels_r;
  in_parts(Plan::parts(s, 2 * G * H * (R + I)),
           [&](int64_t part, int64_t of) { kernel.forward(cell, f, part, of); });
}

// Runs `f`, whose panels, scratch, u and m are allocated here. The choice between packed and
// unpacked does not depend on the number of threads, so that the result doesn't either.
inline void run_packed_or_not(Cell cell, Forward f) {
  const Sequence& s = f.s;
  Arena arena;
  if (s.batch >= kMinPackedRows && s.steps > kMaxUnpackedSteps) {
    run_packed(cell, table(), f, arena);
    return;
  }
  const int64_t width = gates_of(cell) * s.hidden;
  f.scratch = arena.take(s.batch * (2 * s.output + width));
  f.m = arena.take(s.projected ? s.batch * s.hidden : 0);
  run_unpacked(cell, f, arena.take(s.total * width));
}

inline void run_layer(Cell cell, const Forward& f) {
  if (mutation == Mutation::kNone) {
    run_packed_or_not(cell, f);
  } else {
    run_packed_or_not(cell, MutatedForward(cell, f).f);
  }
}

}  // namespace elman
