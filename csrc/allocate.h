// Memory that was just allocated and is about to be filled.
#pragma once

#include "poison.h"
#include "tensors.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace elman {

constexpr uintptr_t kHugePage = uintptr_t(2) << 20;

// The system maps a new array of some megabytes page by page, which with pages of 4 KiB takes
// longer than filling it. So we ask for pages of 2 MiB.
inline void advise_huge(const void* memory, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (begin + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t last = (begin + bytes) / kHugePage * kHugePage;
  // Only advice: where the system refuses, nothing changes.
  if (last > first) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

// A new uninitialized float32 tensor on the CPU. Allocated directly, since torch's `new_empty` goes
// through the dispatcher, which takes longer than a small step.
inline Tensor new_empty(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0; stride *= shape[i]) strides[i] = stride;
  AtenTensorHandle handle;
  STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_empty_strided(int64_t(shape.size()), shape.data(),
                                                         strides.data(), aoti_torch_dtype_float32(),
                                                         aoti_torch_device_type_cpu(), 0, &handle));
  Tensor made(handle);
  advise_huge(made.const_data_ptr(), size_t(made.numel()) * sizeof(float));
  poison(static_cast<float*>(made.mutable_data_ptr()), made.numel());
  return made;
}

}  // namespace elman
