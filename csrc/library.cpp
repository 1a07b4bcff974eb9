// The torch operators and their signatures.
#include <tuple>

#include "tensors.h"

namespace elman {

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> recurrence(
    int64_t cell, Tensor x, Tensor h0, Optional c0, Tensor w_ih, Tensor w_hh, Optional b_ih,
    Optional b_hh, Optional w_hr, Optional sizes, bool reverse, bool keep, Optional recurrent,
    Optional zone_h, Optional zone_c, double rate_h, double rate_c);

std::tuple<Tensor, Tensor, Optional, Optional> stack(int64_t cell, int64_t layers, Tensor x,
                                                     Optional h0, Optional c0,
                                                     std::vector<Tensor> weights, double rate_h,
                                                     double rate_c, bool keep);

std::tuple<Tensor, Tensor, Optional> single(int64_t cell, Tensor x, Optional h0, Optional c0,
                                            Tensor w_ih, Tensor w_hh, Optional b_ih, Optional b_hh);

std::tuple<Optional, Tensor, Optional, std::vector<Tensor>> stack_backward(
    int64_t cell, int64_t layers, Optional dy, Optional dh, Optional dc, Tensor x, Optional h0,
    Optional c0, std::vector<Tensor> weights, Tensor y, Tensor kept, bool need_dx);

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> recurrence_backward(
    int64_t cell, Optional dy, Tensor dh, Optional dc, Tensor x, Tensor y, Tensor h0, Optional c0,
    Tensor w_ih, Tensor w_hh, Optional w_hr, bool has_bias, Tensor gates, Tensor cells,
    Optional sizes, bool reverse, Optional recurrent, Optional zone_h, Optional zone_c,
    double rate_h, double rate_c, bool need_dx);

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> normed(
    int64_t cell, Tensor x, Tensor h0, Optional c0, Tensor w_ih, Tensor w_hh, Optional b_ih,
    Optional b_hh, Optional w_hr, Tensor norm_ih, Tensor norm_hh, Optional norm_c,
    Optional norm_c_bias, Optional sizes, bool reverse, bool keep, Optional recurrent,
    Optional zone_h, Optional zone_c, double rate_h, double rate_c);

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor,
           Tensor>
normed_backward(int64_t cell, Optional dy, Tensor dh, Optional dc, Tensor x, Tensor y, Tensor h0,
                Optional c0, Tensor w_ih, Tensor w_hh, Optional b_ih, Optional b_hh, Optional w_hr,
                Tensor norm_ih, Tensor norm_hh, Optional norm_c, Optional norm_c_bias, Tensor u,
                Tensor v, Tensor scales, Tensor cells, Optional sizes, bool reverse,
                Optional recurrent, Optional zone_h, Optional zone_c, double rate_h, double rate_c,
                bool need_dx);

}  // namespace elman

STABLE_TORCH_LIBRARY(elman, library) {
  library.def(
      "recurrence(int cell, Tensor x, Tensor h0, Tensor? c0, Tensor w_ih, Tensor w_hh, "
      "Tensor? b_ih, Tensor? b_hh, Tensor? w_hr, Tensor? sizes, bool reverse, bool keep, Tensor? "
      "recurrent, "
      "Tensor? zone_h, Tensor? zone_c, float rate_h, float rate_c) "
      "-> (Tensor, Tensor, Tensor, Tensor, Tensor)");
  library.def(
      "stack(int cell, int layers, Tensor x, Tensor? h0, Tensor? c0, Tensor[] weights, float "
      "rate_h, "
      "float rate_c, bool keep) -> (Tensor, Tensor, Tensor?, Tensor?)");
  library.def(
      "single(int cell, Tensor x, Tensor? h0, Tensor? c0, Tensor w_ih, Tensor w_hh, Tensor? b_ih, "
      "Tensor? b_hh) -> (Tensor, Tensor, Tensor?)");
  library.def(
      "stack_backward(int cell, int layers, Tensor? dy, Tensor? dh, Tensor? dc, Tensor x, "
      "Tensor? h0, Tensor? c0, Tensor[] weights, Tensor y, Tensor kept, bool need_dx) "
      "-> (Tensor?, Tensor, Tensor?, Tensor[])");
  library.def(
      "recurrence_backward(int cell, Tensor? dy, Tensor dh, Tensor? dc, Tensor x, Tensor y, "
      "Tensor h0, Tensor? c0, Tensor w_ih, Tensor w_hh, Tensor? w_hr, bool has_bias, Tensor gates, "
      "Tensor cells, "
      "Tensor? sizes, bool reverse, Tensor? recurrent, Tensor? zone_h, Tensor? zone_c, "
      "float rate_h, float rate_c, bool need_dx) "
      "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
  library.def(
      "normed(int cell, Tensor x, Tensor h0, Tensor? c0, Tensor w_ih, Tensor w_hh, Tensor? b_ih, "
      "Tensor? b_hh, Tensor? w_hr, Tensor norm_ih, Tensor norm_hh, Tensor? norm_c, "
      "Tensor? norm_c_bias, Tensor? sizes, bool reverse, bool keep, Tensor? recurrent, "
      "Tensor? zone_h, Tensor? zone_c, float rate_h, float rate_c) "
      "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
  library.def(
      "normed_backward(int cell, Tensor? dy, Tensor dh, Tensor? dc, Tensor x, Tensor y, Tensor h0, "
      "Tensor? c0, Tensor w_ih, Tensor w_hh, Tensor? b_ih, Tensor? b_hh, Tensor? w_hr, "
      "Tensor norm_ih, Tensor norm_hh, Tensor? norm_c, Tensor? norm_c_bias, Tensor u, Tensor v, "
      "Tensor scales, Tensor cells, Tensor? sizes, bool reverse, Tensor? recurrent, "
      "Tensor? zone_h, Tensor? zone_c, float rate_h, float rate_c, bool need_dx) "
      "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, "
      "Tensor)");
}

STABLE_TORCH_LIBRARY_IMPL(elman, CPU, library) {
  library.impl("recurrence", TORCH_BOX(&elman::recurrence));
  library.impl("stack", TORCH_BOX(&elman::stack));
  library.impl("single", TORCH_BOX(&elman::single));
  library.impl("stack_backward", TORCH_BOX(&elman::stack_backward));
  library.impl("recurrence_backward", TORCH_BOX(&elman::recurrence_backward));
  library.impl("normed", TORCH_BOX(&elman::normed));
  library.impl("normed_backward", TORCH_BOX(&elman::normed_backward));
}
