// Checks of the arguments of the forward operators, and the biases as the loops take them.
#pragma once

#include "kernels.h"
#include "tensors.h"

namespace elman {

struct Sizes {
  int64_t total, input, hidden, output, batch;
};

inline void check_weights(Cell cell, Sizes n, const Tensor& w_ih, const Tensor& w_hh,
                          const Optional& b_ih, const Optional& b_hh, const Optional& w_hr) {
  const int64_t width = gates_of(cell) * n.hidden;
  STD_TORCH_CHECK(b_ih.has_value() == b_hh.has_value(), "both biases, or none");
  STD_TORCH_CHECK(!w_hr || cell == Cell::kLstm, "only an LSTM has a projection");
  expect(w_ih, "w_ih", {width, n.input});
  expect(w_hh, "w_hh", {width, w_hr ? n.output : n.hidden});
  expect(b_ih, "b_ih", {width});
  expect(b_hh, "b_hh", {width});
  expect(w_hr, "w_hr", {n.output, n.hidden});
}

inline void check_inputs(Cell cell, Sizes n, const Tensor& x, const Tensor& h0, const Optional& c0,
                         const Tensor& w_ih, const Tensor& w_hh, const Optional& b_ih,
                         const Optional& b_hh, const Optional& w_hr) {
  STD_TORCH_CHECK(c0.has_value() == (cell == Cell::kLstm), "c0 goes with an LSTM, and only there");
  expect(x, "x", {n.total, n.input});
  expect(h0, "h0", {n.batch, w_hr ? n.output : n.hidden});
  expect(c0, "c0", {n.batch, n.hidden});
  check_weights(cell, n, w_ih, w_hh, b_ih, b_hh, w_hr);
}

// b_ih + b_hh, except for a GRU's candidate, which needs them separately.
struct Biases {
  std::vector<float> all, candidate;

  Biases(Cell cell, int64_t hidden, const Optional& b_ih, const Optional& b_hh)
      : all(gates_of(cell) * hidden, 0.0f), candidate(hidden, 0.0f) {
    if (!b_ih) return;
    const float *ih = data(*b_ih), *hh = data(*b_hh);
    const bool gru = cell == Cell::kGru;
    const int64_t summed = gru ? 2 * hidden : int64_t(all.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = ih[i] + (int64_t(i) < summed ? hh[i] : 0.0f);
    if (gru) candidate.assign(hh + 2 * hidden, hh + 3 * hidden);
  }
};

}  // namespace elman
