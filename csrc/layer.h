// One layer's loop forward: with its weights packed or, for few rows or steps, read where they lie.
#pragma once

#include "few_rows.h"
#include "room.h"

namespace elman {

inline void run_packed(Cell cell, const Table& kernel, Forward f, Room& room) {
  const Sequence& s = f.s;
  const int64_t G = gates_of(cell), H = s.hidden, I = s.input, R = s.output;
  // A projection is packed as an RNN's matrix is: several vectors of outputs side by side.
  const Cell plain = Cell::kRnnTanh;
  float* panels_u = room.take(kernel.packed_size(cell, H, I));
  float* panels_v = room.take(kernel.packed_size(cell, H, R));
  float* panels_r = room.take(s.projected ? kernel.packed_size(plain, R, H) : 0);
  f.m = room.take(s.projected ? s.batch * H : 0);
  f.scratch = room.take(f.noise.recurrent ? s.batch * R : 0);
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

// Runs `f`, whose panels, scratch, u and m are made here. Which way is not chosen by the number of
// threads, on which no bit may depend.
inline void run_layer(Cell cell, Forward f) {
  const Sequence& s = f.s;
  Room room;
  if (s.batch >= kFewRows && s.steps > kFewSteps) {
    run_packed(cell, table(), f, room);
    return;
  }
  const int64_t width = gates_of(cell) * s.hidden;
  f.scratch = room.take(s.batch * (2 * s.output + width));
  f.m = room.take(s.projected ? s.batch * s.hidden : 0);
  run_few(cell, f, room.take(s.total * width));
}

}  // namespace elman
