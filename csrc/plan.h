// How the work of a call is divided into steps and between threads.
#pragma once

#include <algorithm>
#include <vector>

#include "allocate.h"
#include "denormals.h"
#include "kernels.h"

namespace elman {

// With fewer rows or with at most this many steps, packing the weights costs more than it saves,
// and the unpacked weights are read.
constexpr int64_t kMinPackedRows = 8, kMaxUnpackedSteps = 4;
// Rows that a part of the backward pass buffers before they go into the products.
constexpr int64_t kChunk = 256;

// Sizes and offsets of the steps, and how many parts the work is worth.
struct Plan {
  std::vector<int64_t> sizes, offsets;
  Sequence s;

  Plan(const Tensor& x, const Tensor& h0, int64_t hidden, bool projected, const Optional& given,
       bool reverse) {
    const int64_t batch = h0.size(0);
    const int64_t total = x.size(0);
    STD_TORCH_CHECK(x.dim() == 2 && h0.dim() == 2, "x should be (N, I) and h0 (B, R)");
    expect(x, "x", {total, x.size(1)});
    expect(h0, "h0", {batch, h0.size(1)});
    if (given) {
      STD_TORCH_CHECK(given->is_cpu() && given->is_contiguous() && given->dim() == 1 &&
                          given->scalar_type() == torch::headeronly::ScalarType::Long,
                      "sizes should be contiguous int64 on the CPU");
      auto from = static_cast<const int64_t*>(given->const_data_ptr());
      sizes.assign(from, from + given->size(0));
    } else {
      sizes.assign(batch ? total / batch : 0, batch);
    }
    int64_t at = 0;
    int64_t last = batch;
    for (int64_t size : sizes) {
      STD_TORCH_CHECK(0 <= size && size <= last, "sizes should fall from the batch size on");
      last = size;
      offsets.push_back(at);
      at += size;
    }
    STD_TORCH_CHECK(at == total, "the sizes of the steps do not add up to the input's ", total);
    s = {int64_t(sizes.size()), batch,          x.size(1), hidden,   h0.size(1), total,
         sizes.data(),          offsets.data(), reverse,   projected};
  }
  // Every row has every step.
  Plan(int64_t steps, int64_t batch) : sizes(steps, batch), offsets(steps) {
    for (int64_t t = 0; t < steps; ++t) offsets[t] = t * batch;
    s = {};
    s.steps = steps;
    s.batch = batch;
    s.total = steps * batch;
    s.sizes = sizes.data();
    s.offsets = offsets.data();
  }

  // Waking a thread pays for about 20 microseconds of work, at some 50 flops a nanosecond.
  static int64_t threads_for(int64_t flops) {
    return std::min<int64_t>(st::get_num_threads(), flops / 1000000 + 1);
  }
  // Parts of the batch, of at least two rows: a tile of one row is bound by latency.
  static int64_t parts(const Sequence& s, int64_t flops_per_step) {
    return std::max<int64_t>(1, std::min(threads_for(s.total * flops_per_step), (s.batch + 1) / 2));
  }
};

// run(part, parts) for each part, on as many threads.
template <class F>
void in_parts(int64_t parts, F&& run) {
  if (parts == 1) {
    FlushDenormals flush;
    run(0, 1);
    return;
  }
  st::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    FlushDenormals flush;
    for (int64_t part = begin; part < end; ++part) run(part, parts);
  });
}

inline Regularization regularization_of(const Optional& recurrent, const Optional& zone_h,
                                        const Optional& zone_c, double rate_h, double rate_c) {
  return {data(recurrent), data(zone_h), data(zone_c), float(rate_h), float(rate_c)};
}

}  // namespace elman
