// Runs the loop with unpacked weights: chooses the number of threads and calls the kernels.
#pragma once

#include "barrier.h"
#include "plan.h"

namespace elman {

// Bytes read or operations per microsecond of one core, roughly, and the costs of threads.
constexpr double kPerMicrosecond = 1e5, kBarrier = 1.7, kWaking = 20;

// Runs `f` with `f.scratch` set; `u` holds (N, G H).
inline void run_unpacked(Cell cell, Forward f, float* u) {
  const Table& kernel = table();
  const Sequence& s = f.s;
  const int64_t width = gates_of(cell) * s.hidden;
  f.u = u;
  // A step takes as long as reading V or, with more rows, multiplying by it. A second thread pays
  // where it saves more than the barrier after each step and waking it once cost.
  const int64_t read = 4 * width * s.output, flops = 2 * width * s.output * s.batch;
  const double step = double(std::max(read, flops)) / kPerMicrosecond;
  const int64_t threads = std::min<int64_t>(st::get_num_threads(), s.hidden / 32);
  const bool shared = threads > 1 && step > kBarrier && double(s.steps) * step > kWaking;
  const int64_t product = s.total * 2 * width * s.input;
  in_parts(std::max<int64_t>(1, std::min(Plan::threads_for(product), (width + 31) / 32)),
           [&](int64_t part, int64_t of) { kernel.project(cell, f, u, part, of); });
  const int64_t parts = shared ? threads : 1;
  Barrier barrier(parts);
  if (parts == 1) {
    FlushDenormals flush;
    kernel.forward_unpacked(cell, f, 0, 1, 1, barrier);
    return;
  }
  st::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    FlushDenormals flush;
    kernel.forward_unpacked(cell, f, begin, end, parts, barrier);
  });
}

}  // namespace elman
