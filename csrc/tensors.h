// Access to torch's tensors, and checks of them.
#pragma once

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <optional>
#include <string>
#include <vector>

namespace elman {

using torch::stable::Tensor;
using Optional = std::optional<Tensor>;
namespace st = torch::stable;

inline const float* data(const Tensor& t) { return static_cast<const float*>(t.const_data_ptr()); }
inline const float* data(const Optional& t) { return t ? data(*t) : nullptr; }
inline float* out(const Tensor& t) { return static_cast<float*>(t.mutable_data_ptr()); }

// Throws unless `t` is what the loops take; they rely on these shapes.
inline void expect(const Tensor& t, const char* name, std::initializer_list<int64_t> shape) {
  bool fits = t.is_cpu() && t.is_contiguous() && t.dim() == int64_t(shape.size()) &&
              t.scalar_type() == torch::headeronly::ScalarType::Float;
  for (size_t i = 0; fits && i < shape.size(); ++i) fits = t.size(i) == shape.begin()[i];
  if (fits) return;
  std::string wanted;
  for (int64_t size : shape) wanted += (wanted.empty() ? "" : ", ") + std::to_string(size);
  STD_TORCH_CHECK(false, name, " should be a contiguous float32 tensor of (", wanted,
                  ") on the CPU");
}
// H of weights (G H, …).
inline int64_t hidden_of(const Tensor& w_hh, int64_t gates) {
  STD_TORCH_CHECK(w_hh.dim() == 2 && w_hh.size(0) % gates == 0, "w_hh should be (G H, R)");
  return w_hh.size(0) / gates;
}
inline void expect(const Optional& t, const char* name, std::initializer_list<int64_t> shape) {
  if (t) expect(*t, name, shape);
}

}  // namespace elman
