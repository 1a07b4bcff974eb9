// Memory that was just allocated and is about to be filled.
#pragma once

#include "tensors.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace elman {

// An array of some megabytes comes fresh from the system each time, and giving it out by pages of
// 4 KiB takes longer than filling it. Where the system has pages of 2 MiB to give, we ask for them.
inline Tensor fresh(const Tensor& like, const std::vector<int64_t>& shape) {
  Tensor made = st::new_empty(like, shape);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t kPage = uintptr_t(2) << 20;
  const auto begin = reinterpret_cast<uintptr_t>(made.const_data_ptr());
  const uintptr_t end = begin + uintptr_t(made.numel()) * sizeof(float);
  const uintptr_t first = (begin + kPage - 1) / kPage * kPage, last = end / kPage * kPage;
  // Advice: a system that does not take it says so, and nothing is lost.
  if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
  return made;
}

}  // namespace elman
