// Checked gains and shifts of layer normalization, as the loops take them.
#pragma once

#include "biases.h"
#include "plan.h"

namespace elman {

struct NormParameters {
  std::vector<float> zeros;  // in place of biases where there are none
  Norm norm = {};

  NormParameters(Cell cell, int64_t width, int64_t hidden, const Optional& b_ih,
                 const Optional& b_hh, const Tensor& gain_ih, const Tensor& gain_hh,
                 const Optional& gain_c, const Optional& shift_c)
      : zeros(b_ih ? 0 : width) {
    const bool lstm = cell == Cell::kLstm;
    STD_TORCH_CHECK(gain_c.has_value() == lstm && shift_c.has_value() == lstm,
                    "the gain and shift of c go with an LSTM, and only there");
    expect(gain_ih, "norm_ih", {width});
    expect(gain_hh, "norm_hh", {width});
    expect(gain_c, "norm_c", {hidden});
    expect(shift_c, "norm_c_bias", {hidden});
    norm = {data(gain_ih), b_ih ? data(*b_ih) : zeros.data(),
            data(gain_hh), b_hh ? data(*b_hh) : zeros.data(),
            data(gain_c),  data(shift_c)};
  }
};

}  // namespace elman
