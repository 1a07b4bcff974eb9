// The torch operators: check, allocate, call. Legend: see kernels.h.
#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "flush.h"
#include "kernels.h"

namespace elman {
namespace {

using torch::stable::Tensor;
using Maybe = std::optional<Tensor>;
namespace st = torch::stable;

Tensor call(const char* op, const char* overload, std::vector<StableIValue> stack) {
  STABLE_TORCH_ERROR_CODE_CHECK(
      torch_call_dispatcher(op, overload, stack.data(), TORCH_ABI_VERSION));
  return torch::stable::detail::to<Tensor>(stack[0]);
}

Tensor mm(const Tensor& a, const Tensor& b) {
  return call("aten::mm", "", {st::detail::from(a), st::detail::from(b)});
}
Tensor transposed(const Tensor& a) { return st::transpose(a, 0, 1); }
Tensor columns(Tensor a, int64_t first, int64_t count) { return st::narrow(a, 1, first, count); }

const float* data(const Tensor& t) { return static_cast<const float*>(t.const_data_ptr()); }
const float* data(const Maybe& t) { return t ? data(*t) : nullptr; }
float* out(const Tensor& t) { return static_cast<float*>(t.mutable_data_ptr()); }

// Refuses what the loops could not read: they trust these shapes.
void expect(const Tensor& t, const char* name, std::vector<int64_t> shape) {
  bool fits = t.is_cpu() && t.is_contiguous() && t.dim() == int64_t(shape.size()) &&
              t.scalar_type() == torch::headeronly::ScalarType::Float;
  for (size_t i = 0; fits && i < shape.size(); ++i) fits = t.size(i) == shape[i];
  std::string wanted;
  for (int64_t size : shape) wanted += (wanted.empty() ? "" : ", ") + std::to_string(size);
  STD_TORCH_CHECK(fits, name, " should be a contiguous float32 tensor of (", wanted,
                  ") on the CPU");
}
void expect(const Maybe& t, const char* name, std::vector<int64_t> shape) {
  if (t) expect(*t, name, shape);
}

// Sizes and offsets of the steps, and how many parts the work is worth.
struct Plan {
  std::vector<int64_t> sizes, offsets;
  Sequence s;
  int64_t total;

  Plan(const Tensor& x, const Tensor& h0, const Maybe& given, bool reverse) {
    const int64_t batch = h0.size(0);
    total = x.size(0);
    STD_TORCH_CHECK(x.dim() == 2 && h0.dim() == 2, "x should be (N, I) and h0 (B, H)");
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
    s = {int64_t(sizes.size()), batch, x.size(1), h0.size(1), sizes.data(), offsets.data(), reverse};
  }

  // A thread is worth waking for about 20 microseconds of work, at some 50 flops a nanosecond.
  int64_t threads_for(int64_t flops) const {
    return std::min<int64_t>(st::get_num_threads(), flops / 1000000 + 1);
  }
  // Parts of the batch, of two rows at least: a tile of one row waits for its own sums.
  int64_t parts(int64_t flops_per_step) const {
    return std::max<int64_t>(1, std::min(threads_for(total * flops_per_step), (s.batch + 1) / 2));
  }
};

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

Noise noise_of(const Maybe& recurrent, const Maybe& zone_h, const Maybe& zone_c, double rate_h,
               double rate_c) {
  return {data(recurrent), data(zone_h), data(zone_c), float(rate_h), float(rate_c)};
}

// -> y (N, H), h (B, H), c (B, H), gates, cells; the last three empty where there are none.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> recurrence(
    int64_t which, Tensor x, Tensor h0, Maybe c0, Tensor w_ih, Tensor w_hh, Maybe b_ih, Maybe b_hh,
    Maybe sizes, bool reverse, bool keep, Maybe recurrent, Maybe zone_h, Maybe zone_c,
    double rate_h, double rate_c) {
  const Cell cell = Cell(which);
  const Table& kernel = table();
  Plan plan(x, h0, sizes, reverse);
  const int64_t G = gates_of(cell), H = plan.s.hidden, I = plan.s.input, B = plan.s.batch;
  const int64_t N = plan.total;
  const int64_t kept = kept_of(cell);

  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  STD_TORCH_CHECK(c0.has_value() == (cell == Cell::kLstm), "c0 goes with an LSTM, and only there");
  STD_TORCH_CHECK(b_ih.has_value() == b_hh.has_value(), "both biases, or none");
  expect(c0, "c0", {B, H});
  expect(w_ih, "w_ih", {G * H, I});
  expect(w_hh, "w_hh", {G * H, H});
  expect(b_ih, "b_ih", {G * H});
  expect(b_hh, "b_hh", {G * H});
  expect(recurrent, "recurrent", {B, H});
  expect(zone_h, "zone_h", {N, H});
  expect(zone_c, "zone_c", {N, H});
  Tensor y = st::new_empty(x, {N, H});
  Tensor h = st::clone(h0);
  Tensor c = c0 ? st::clone(*c0) : st::new_empty(x, {0});
  Tensor gates = st::new_empty(x, keep ? std::vector<int64_t>{N, kept * H} : std::vector<int64_t>{0});
  Tensor cells = st::new_empty(
      x, keep && c0 ? std::vector<int64_t>{N, H} : std::vector<int64_t>{0});

  std::vector<float> bias(G * H, 0.0f), bias_n;
  if (b_ih) {
    const float *ih = data(*b_ih), *hh = data(*b_hh);
    const int64_t summed = cell == Cell::kGru ? 2 * H : G * H;
    for (int64_t i = 0; i < G * H; ++i) bias[i] = ih[i] + (i < summed ? hh[i] : 0.0f);
    if (cell == Cell::kGru) bias_n.assign(hh + 2 * H, hh + 3 * H);
  }
  if (bias_n.empty()) bias_n.assign(H, 0.0f);

  Tensor panels_u = st::new_empty(x, {kernel.packed_size(cell, H, I)});
  kernel.pack(cell, data(w_ih), H, I, out(panels_u));
  Tensor panels_v = st::new_empty(x, {kernel.packed_size(cell, H, H)});
  kernel.pack(cell, data(w_hh), H, H, out(panels_v));
  Tensor scratch = st::new_empty(x, {recurrent ? B * H : 0});

  Forward f = {plan.s,
               noise_of(recurrent, zone_h, zone_c, rate_h, rate_c),
               data(x),
               nullptr,
               data(panels_u),
               data(panels_v),
               bias.data(),
               bias_n.data(),
               out(y),
               out(h),
               c0 ? out(c) : nullptr,
               keep ? out(gates) : nullptr,
               keep && c0 ? out(cells) : nullptr,
               out(scratch)};
  // For few rows, multiplying U x inside the loop would read all of U at every step. The choice
  // must not depend on the number of threads, or the bits would.
  Tensor u = st::new_empty(x, {0});
  if (B < 8 && I >= 16 && N >= 4 * B) {
    u = st::new_empty(x, {N, G * H});
    const int64_t blocks = std::min<int64_t>(plan.threads_for(N * 2 * G * H * I), N);
    in_parts(blocks, [&](int64_t part, int64_t of) {
      kernel.project(cell, f, out(u), N * part / of, N * (part + 1) / of);
    });
    f.u = data(u);
  }
  in_parts(plan.parts(2 * G * H * (f.u ? H : H + I)),
           [&](int64_t part, int64_t of) { kernel.forward(cell, f, part, of); });
  return {y, h, c, gates, cells};
}

// -> dx (N, I), dh0, dc0 (B, H), dU, dV, db_ih, db_hh
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> recurrence_backward(
    int64_t which, Maybe dy, Tensor dh, Maybe dc, Tensor x, Tensor y, Tensor h0, Maybe c0,
    Tensor w_ih, Tensor w_hh, bool has_bias, Tensor gates, Tensor cells, Maybe sizes, bool reverse,
    Maybe recurrent, Maybe zone_h, Maybe zone_c, double rate_h, double rate_c, bool need_dx) {
  const Cell cell = Cell(which);
  const Table& kernel = table();
  Plan plan(x, h0, sizes, reverse);
  const int64_t G = gates_of(cell), H = plan.s.hidden, N = plan.total;
  const int64_t B = plan.s.batch, I = plan.s.input;
  expect(dy, "dy", {N, H});
  expect(dh, "dh", {B, H});
  expect(dc, "dc", {B, H});
  expect(y, "y", {N, H});
  expect(c0, "c0", {B, H});
  expect(w_ih, "w_ih", {G * H, I});
  expect(w_hh, "w_hh", {G * H, H});
  expect(gates, "gates", {N, kept_of(cell) * H});
  if (cell == Cell::kLstm) expect(cells, "cells", {N, H});
  expect(recurrent, "recurrent", {B, H});
  expect(zone_h, "zone_h", {N, H});
  expect(zone_c, "zone_c", {N, H});
  Tensor dh0 = st::clone(dh);
  Tensor dc0 = dc ? st::clone(*dc) : st::new_empty(x, {0});
  Tensor grads = st::new_empty(x, {N, gates.size(1)});
  Tensor panels = st::new_empty(x, {kernel.packed_size_back(cell, H)});
  kernel.pack_back(cell, data(w_hh), H, out(panels));
  Tensor h_old = st::new_empty(x, {N, H});

  const Backward b = {plan.s,
                      noise_of(recurrent, zone_h, zone_c, rate_h, rate_c),
                      data(y),
                      data(h0),
                      data(c0),
                      data(cells),
                      data(dy),
                      data(panels),
                      data(gates),
                      out(grads),
                      out(dh0),
                      dc ? out(dc0) : nullptr,
                      out(h_old)};
  const int64_t parts = plan.parts(2 * G * H * H);
  in_parts(parts, [&](int64_t part, int64_t of) { kernel.backward(cell, b, part, of); });

  // What goes back through U and through V: for a GRU's candidate they differ.
  const bool gru = cell == Cell::kGru;
  Tensor through_u = gru ? columns(grads, H, 3 * H) : grads;
  Tensor dx = need_dx ? mm(through_u, w_ih) : st::new_empty(x, {0});
  Tensor dw_ih = mm(transposed(through_u), x);
  Tensor dw_hh = st::new_empty(x, {G * H, H});
  Tensor db = st::new_empty(x, {0}), db_hh = db;
  auto rows = [](Tensor t, int64_t first, int64_t count) { return st::narrow(t, 0, first, count); };
  auto sum = [](const Tensor& t) {
    std::vector<int64_t> dim{0};
    return st::sum(t, torch::headeronly::IntHeaderOnlyArrayRef(dim.data(), 1));
  };
  if (gru) {
    // The gradients stand as n, r, z; V's gates as r, z, n.
    Tensor first = mm(transposed(columns(grads, H, 2 * H)), h_old);
    Tensor last = mm(transposed(columns(grads, 0, H)), h_old);
    Tensor to = rows(dw_hh, 0, 2 * H), to_last = rows(dw_hh, 2 * H, H);
    st::copy_(to, first);
    st::copy_(to_last, last);
    if (has_bias) {
      Tensor all = sum(grads);
      db = st::clone(rows(all, H, 3 * H));
      db_hh = st::new_empty(x, {3 * H});
      Tensor into = rows(db_hh, 0, 2 * H), into_n = rows(db_hh, 2 * H, H);
      st::copy_(into, rows(all, H, 2 * H));
      st::copy_(into_n, rows(all, 0, H));
    }
  } else {
    dw_hh = mm(transposed(grads), h_old);
    if (has_bias) {
      db = sum(grads);
      db_hh = st::clone(db);
    }
  }
  return {dx, dh0, dc0, dw_ih, dw_hh, db, db_hh};
}

}  // namespace
}  // namespace elman

STABLE_TORCH_LIBRARY(elman, library) {
  library.def(
      "recurrence(int cell, Tensor x, Tensor h0, Tensor? c0, Tensor w_ih, Tensor w_hh, "
      "Tensor? b_ih, Tensor? b_hh, Tensor? sizes, bool reverse, bool keep, Tensor? recurrent, "
      "Tensor? zone_h, Tensor? zone_c, float rate_h, float rate_c) "
      "-> (Tensor, Tensor, Tensor, Tensor, Tensor)");
  library.def(
      "recurrence_backward(int cell, Tensor? dy, Tensor dh, Tensor? dc, Tensor x, Tensor y, "
      "Tensor h0, Tensor? c0, Tensor w_ih, Tensor w_hh, bool has_bias, Tensor gates, Tensor cells, "
      "Tensor? sizes, bool reverse, Tensor? recurrent, Tensor? zone_h, Tensor? zone_c, "
      "float rate_h, float rate_c, bool need_dx) "
      "-> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
}

STABLE_TORCH_LIBRARY_IMPL(elman, CPU, library) {
  library.impl("recurrence", TORCH_BOX(&elman::recurrence));
  library.impl("recurrence_backward", TORCH_BOX(&elman::recurrence_backward));
}
