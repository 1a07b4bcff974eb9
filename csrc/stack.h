// Shared by elman::stack and its backward pass: the checked arguments, and the layout of what is
// saved between them. Legend: see kernels.h; L layers.
#pragma once

#include "biases.h"
#include "plan.h"

namespace elman {

// x (T, B, I), or (B, I) for one step, and the weights of each layer in turn: U, V, both biases or
// none, the projection or none.
struct Stack {
  const Cell cell;
  const int64_t layers, each;
  const bool lstm, one, biased, projected;
  const int64_t T, B, I, H, R;
  const std::vector<Tensor>& weights;

  // Of one layer, checked.
  struct Layer {
    const Tensor &ih, &hh;
    Optional bias_ih, bias_hh, hr;
  };

  Stack(int64_t which, int64_t layers, const Tensor& x, const std::vector<Tensor>& weights)
      : cell(cell_of(which)),
        layers(layers),
        each(each_of(layers, weights)),
        lstm(cell == Cell::kLstm),
        one(checked_axes(x) == 2),
        biased(each >= 4),
        projected(each % 2 == 1),
        T(one ? 1 : x.size(0)),
        B(x.size(one ? 0 : 1)),
        I(x.size(one ? 1 : 2)),
        H(hidden_of(weights[1], gates_of(cell))),
        R(weights[1].size(1)),
        weights(weights) {
    STD_TORCH_CHECK(T > 0, "x should have a step");
    STD_TORCH_CHECK(projected || R == H, "w_hh should be (G H, H)");
    expect_steps(x, "x", I);
  }

  // The input of layer `layer`, in floats a row.
  int64_t input(int64_t layer) const { return layer ? R : I; }
  void expect_steps(const Tensor& t, const char* name, int64_t width) const {
    one ? expect(t, name, {B, width}) : expect(t, name, {T, B, width});
  }
  std::vector<int64_t> steps_shape(int64_t width) const {
    return one ? std::vector<int64_t>{B, width} : std::vector<int64_t>{T, B, width};
  }
  Layer layer(int64_t place) const {
    const Tensor* own = weights.data() + place * each;
    const Optional none;
    const Layer found = {own[0], own[1], biased ? Optional(own[2]) : none,
                         biased ? Optional(own[3]) : none,
                         projected ? Optional(own[each - 1]) : none};
    check_weights(cell, {T * B, input(place), H, R, B}, found.ih, found.hh, found.bias_ih,
                  found.bias_hh, found.hr);
    return found;
  }

 private:
  static Cell cell_of(int64_t which) {
    STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
    return Cell(which);
  }
  static int64_t each_of(int64_t layers, const std::vector<Tensor>& weights) {
    const int64_t count = int64_t(weights.size()), each = layers > 0 ? count / layers : 0;
    STD_TORCH_CHECK(2 <= each && each <= 5 && each * layers == count,
                    "every layer needs U, V, and maybe two biases and a projection");
    return each;
  }
  static int64_t checked_axes(const Tensor& x) {
    STD_TORCH_CHECK(x.dim() == 2 || x.dim() == 3, "x should be (T, B, I) or (B, I)");
    return x.dim();
  }
};

// Offsets, in the one array that is saved for the backward pass, of each layer's outputs (except
// the last layer's, which are the result), gates and cells.
class SavedForBackward {
 public:
  explicit SavedForBackward(const Stack& stack)
      : last_(stack.layers - 1),
        outputs_(stack.T * stack.B * stack.R),
        gates_(stack.T * stack.B * kept_of(stack.cell, Regularization()) * stack.H),
        cells_(stack.lstm ? stack.T * stack.B * stack.H : 0),
        layers_(stack.layers) {}

  int64_t size() const { return layers_ * (gates_ + cells_) + last_ * outputs_; }
  int64_t outputs(int64_t layer) const { return layer * (gates_ + cells_ + outputs_); }
  int64_t gates(int64_t layer) const { return outputs(layer) + (layer < last_ ? outputs_ : 0); }
  int64_t cells(int64_t layer) const { return gates(layer) + gates_; }

 private:
  const int64_t last_, outputs_, gates_, cells_, layers_;
};

}  // namespace elman
