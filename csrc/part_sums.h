// Gradients that every row adds to: one set per part, summed at the end in the order of the parts.
#pragma once

#include "plan.h"
#include "arena.h"

namespace elman {

class PartSums {
 public:
  // One sum of each shape, which ends up in `tensors`; those of the other parts are in `arena`.
  PartSums(Arena& arena, const std::vector<std::vector<int64_t>>& shapes, int64_t parts)
      : parts_(parts) {
    for (const auto& shape : shapes) {
      tensors.push_back(new_empty(shape));
      offsets_.push_back(all_);
      all_ += tensors.back().numel();
    }
    others_ = arena.take((parts - 1) * all_);
  }

  float* of(int64_t part, size_t which) const {
    if (part == 0) return out(tensors[which]);
    return others_ + (part - 1) * all_ + offsets_[which];
  }
  // Share `share` of `shares` of the sums of `part`.
  void clear(int64_t part, int64_t share = 0, int64_t shares = 1) const {
    for (size_t which = 0; which < tensors.size(); ++which) {
      const int64_t size = tensors[which].numel(), begin = size * share / shares;
      std::fill_n(of(part, which) + begin, size * (share + 1) / shares - begin, 0.0f);
    }
  }
  void join() const {
    if (parts_ == 1) return;
    in_parts(Plan::threads_for(8 * all_ * parts_), [&](int64_t share, int64_t shares) {
      for (int64_t part = 1; part < parts_; ++part) {
        for (size_t which = 0; which < tensors.size(); ++which) {
          float* to = of(0, which);
          const float* from = of(part, which);
          const int64_t size = tensors[which].numel(), end = size * (share + 1) / shares;
          for (int64_t i = size * share / shares; i < end; ++i) to[i] += from[i];
        }
      }
    });
  }

  std::vector<Tensor> tensors;

 private:
  int64_t parts_, all_ = 0;
  std::vector<int64_t> offsets_;
  float* others_;
};

}  // namespace elman
