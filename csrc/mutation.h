// Deliberate faults, for tests of the tests: with any of them on, the suite has to fail.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels.h"

namespace elman {

enum class Mutation : int { kNone, kSwappedGates, kReversedTime, kIgnoredInitialState };

inline Mutation mutation = Mutation::kNone;  // set between calls only, by `elman_set_mutation`

// The layer of `f` with a fault in its forward pass: the first two gates swapped, or time reversed.
class MutatedForward {
 public:
  MutatedForward(Cell cell, const Forward& given) : f(given) {
    if (mutation == Mutation::kReversedTime) f.s.reverse = !f.s.reverse;
    if (mutation != Mutation::kSwappedGates || gates_of(cell) == 1) return;
    f.w_ih = swapped(cell, f.w_ih, f.s.input, ih_);
    f.w_hh = swapped(cell, f.w_hh, f.s.output, hh_);
    f.bias = swapped(cell, f.bias, 1, bias_);
  }
  Forward f;

 private:
  const float* swapped(Cell cell, const float* weight, int64_t columns, std::vector<float>& to) {
    const int64_t block = f.s.hidden * columns;
    to.assign(weight, weight + gates_of(cell) * block);
    std::swap_ranges(to.begin(), to.begin() + block, to.begin() + block);
    return to.data();
  }
  std::vector<float> ih_, hh_, bias_;
};

}  // namespace elman
