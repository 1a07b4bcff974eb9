// Fills allocated memory with NaN, for tests, so that reading it before writing it shows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace elman {

inline bool poisons = false;  // set between calls only, by `elman_poison_memory`

inline void poison(float* memory, int64_t floats) {
  if (poisons) std::fill_n(memory, floats, std::numeric_limits<float>::quiet_NaN());
}

}  // namespace elman
