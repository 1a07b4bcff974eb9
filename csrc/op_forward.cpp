// The operator elman::recurrence: check, allocate, call. Legend: see kernels.h.
#include <tuple>

#include "meeting.h"
#include "plan.h"

namespace elman {
namespace {

// Below this many rows, the weights are read where they lie.
constexpr int64_t kFew = 8;

// b_ih + b_hh; of a GRU's candidate they are kept apart.
struct Biases {
  std::vector<float> all, candidate;

  Biases(Cell cell, int64_t hidden, const Maybe& b_ih, const Maybe& b_hh)
      : all(gates_of(cell) * hidden, 0.0f), candidate(hidden, 0.0f) {
    if (!b_ih) return;
    const float *ih = data(*b_ih), *hh = data(*b_hh);
    const bool gru = cell == Cell::kGru;
    const int64_t summed = gru ? 2 * hidden : int64_t(all.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = ih[i] + (int64_t(i) < summed ? hh[i] : 0.0f);
    if (gru) candidate.assign(hh + 2 * hidden, hh + 3 * hidden);
  }
};

void run_few(Cell cell, const Table& kernel, Forward f, const Tensor& like) {
  const Sequence& s = f.s;
  const int64_t width = gates_of(cell) * s.hidden, megabyte = 1 << 20;
  Tensor u = st::new_empty(like, {s.total, width});
  Tensor scratch = st::new_empty(like, {s.batch * (2 * s.hidden + width)});
  f.u = data(u);
  f.scratch = out(scratch);
  // Reading the weights is what takes the time: a second thread pays where it saves more than
  // waking it (a megabyte's reading) or meeting it after each step (a sixth of that) costs.
  const int64_t read = 4 * width * s.hidden;
  const int64_t threads = std::min<int64_t>(st::get_num_threads(), s.hidden / 32);
  const bool shared = threads > 1 && 6 * read > megabyte && s.steps * read > 2 * megabyte;
  const int64_t product = s.total * 2 * width * s.input;
  in_parts(std::max<int64_t>(1, std::min(Plan::threads_for(product), (width + 31) / 32)),
           [&](int64_t part, int64_t of) { kernel.project(cell, f, out(u), part, of); });
  const int64_t parts = shared ? threads : 1;
  Meeting meeting(parts);
  if (parts == 1) {
    FlushDenormals flush;
    kernel.forward_few(cell, f, 0, 1, 1, meeting);
    return;
  }
  st::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    FlushDenormals flush;
    kernel.forward_few(cell, f, begin, end, parts, meeting);
  });
}

void run_packed(Cell cell, const Table& kernel, Forward f, const Plan& plan, const Tensor& like) {
  const Sequence& s = f.s;
  const int64_t G = gates_of(cell), H = s.hidden, I = s.input;
  Tensor panels_u = st::new_empty(like, {kernel.packed_size(cell, H, I)});
  Tensor panels_v = st::new_empty(like, {kernel.packed_size(cell, H, H)});
  Tensor scratch = st::new_empty(like, {f.noise.recurrent ? s.batch * H : 0});
  in_parts(Plan::threads_for(8 * G * H * (H + I)), [&](int64_t part, int64_t of) {
    kernel.pack(cell, f.w_ih, H, I, out(panels_u), part, of);
    kernel.pack(cell, f.w_hh, H, H, out(panels_v), part, of);
  });
  f.panels_u = data(panels_u);
  f.panels_v = data(panels_v);
  f.scratch = out(scratch);
  in_parts(plan.parts(2 * G * H * (H + I)),
           [&](int64_t part, int64_t of) { kernel.forward(cell, f, part, of); });
}

}  // namespace

// -> y (N, H), h (B, H), c (B, H), gates, cells; the last three empty where there are none.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> recurrence(
    int64_t which, Tensor x, Tensor h0, Maybe c0, Tensor w_ih, Tensor w_hh, Maybe b_ih, Maybe b_hh,
    Maybe sizes, bool reverse, bool keep, Maybe recurrent, Maybe zone_h, Maybe zone_c,
    double rate_h, double rate_c) {
  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  const Cell cell = Cell(which);
  Plan plan(x, h0, sizes, reverse);
  const int64_t G = gates_of(cell), H = plan.s.hidden, I = plan.s.input, B = plan.s.batch;
  const int64_t N = plan.s.total;

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
  const Noise noise = noise_of(recurrent, zone_h, zone_c, rate_h, rate_c);
  const bool keep_gates = keep && kept_of(cell, noise) > 0;
  const bool keep_cells = keep && c0;
  auto empty = [&](bool wanted, std::vector<int64_t> shape) {
    return st::new_empty(x, wanted ? shape : std::vector<int64_t>{0});
  };
  Tensor y = st::new_empty(x, {N, H});
  Tensor h = st::clone(h0);
  Tensor c = c0 ? st::clone(*c0) : st::new_empty(x, {0});
  Tensor gates = empty(keep_gates, {N, kept_of(cell, noise) * H});
  Tensor cells = empty(keep_cells, {N, H});
  const Biases biases(cell, H, b_ih, b_hh);

  Forward f = {};
  f.s = plan.s;
  f.noise = noise;
  f.x = data(x);
  f.w_ih = data(w_ih);
  f.w_hh = data(w_hh);
  f.bias = biases.all.data();
  f.bias_n = biases.candidate.data();
  f.y = out(y);
  f.h = out(h);
  f.c = c0 ? out(c) : nullptr;
  f.gates = keep_gates ? out(gates) : nullptr;
  f.cells = keep_cells ? out(cells) : nullptr;
  // Not by the number of threads, on which no bit may depend.
  if (B < kFew) {
    run_few(cell, table(), f, x);
  } else {
    run_packed(cell, table(), f, plan, x);
  }
  return {y, h, c, gates, cells};
}

}  // namespace elman
