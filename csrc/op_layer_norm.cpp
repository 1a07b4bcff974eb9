// The operator elman::normed, the recurrence with layer normalization: check, allocate, call.
// Legend: see kernels.h.
#include <tuple>

#include "arena.h"
#include "norm_parameters.h"

namespace elman {
namespace {

// Rows of U x that a part makes at once: two blocks of gemm.h.
constexpr int64_t kAhead = 72;

}  // namespace

// -> y (N, R), h (B, R), c (B, H), the normalized U x and V h, their scales (2, N), cells. The last
// four are empty where nothing is saved, c and cells where the cell has none.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> normed(
    int64_t which, Tensor x, Tensor h0, Optional c0, Tensor w_ih, Tensor w_hh, Optional b_ih,
    Optional b_hh, Optional w_hr, Tensor gain_ih, Tensor gain_hh, Optional gain_c, Optional shift_c,
    Optional sizes, bool reverse, bool keep, Optional recurrent, Optional zone_h, Optional zone_c,
    double rate_h, double rate_c) {
  STD_TORCH_CHECK(0 <= which && which <= 3, "no such cell");
  const Cell cell = Cell(which);
  const int64_t W = w_hh.size(0), H = hidden_of(w_hh, gates_of(cell));
  Plan plan(x, h0, H, w_hr.has_value(), sizes, reverse);
  const int64_t I = plan.s.input, R = plan.s.output, B = plan.s.batch, N = plan.s.total;
  check_inputs(cell, {N, I, H, R, B}, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr);
  const NormParameters norm_parameters(cell, W, H, b_ih, b_hh, gain_ih, gain_hh, gain_c, shift_c);
  expect(recurrent, "recurrent", {B, R});
  expect(zone_h, "zone_h", {N, R});
  expect(zone_c, "zone_c", {N, H});

  const Table& kernel = table();
  // Independent of the number of threads, so that the result is too.
  const bool packs = B >= kMinPackedRows && plan.s.steps > kMaxUnpackedSteps;
  const int64_t parts = Plan::parts(plan.s, 2 * W * (R + I)), own = (B + parts - 1) / parts;
  const int64_t ahead = std::max(own, std::min(kAhead, own * plan.s.steps));
  const int64_t scratch_size = ahead * (I + W) + own * W + kernel.normed_workspace(cell, H);
  auto empty = [&](bool wanted, std::vector<int64_t> shape) {
    return new_empty(wanted ? shape : std::vector<int64_t>{0});
  };
  Tensor y = new_empty({N, R});
  Tensor h = st::clone(h0);
  Tensor c = c0 ? st::clone(*c0) : new_empty({0});
  Tensor u = empty(keep, {N, W}), v = empty(keep, {N, W}), scales = empty(keep, {2, N});
  Tensor cells = empty(keep && c0, {N, H});
  const Cell plain = Cell::kRnnTanh;  // U x and V h are stored as if there were no gates
  Arena arena;
  float* scratch = arena.take(parts * scratch_size);
  float* m = arena.take(w_hr ? B * H : 0);
  float* masked = arena.take(recurrent ? B * R : 0);
  float* panels_u = arena.take(packs ? kernel.packed_size(plain, W, I) : 0);
  float* panels_v = arena.take(packs ? kernel.packed_size(plain, W, R) : 0);
  float* panels_r = arena.take(w_hr ? kernel.packed_size(plain, R, H) : 0);
  in_parts(Plan::threads_for(packs ? 8 * W * (R + I) : 0), [&](int64_t part, int64_t of) {
    if (packs) kernel.pack(plain, data(w_ih), W, I, panels_u, part, of);
    if (packs) kernel.pack(plain, data(w_hh), W, R, panels_v, part, of);
    if (w_hr) kernel.pack(plain, data(*w_hr), R, H, panels_r, part, of);
  });

  NormedForward n = {};
  n.f.s = plan.s;
  n.f.regularization = regularization_of(recurrent, zone_h, zone_c, rate_h, rate_c);
  n.f.x = data(x);
  n.f.w_ih = data(w_ih);
  n.f.w_hh = data(w_hh);
  n.f.panels_u = packs ? panels_u : nullptr;
  n.f.panels_v = packs ? panels_v : nullptr;
  n.f.panels_r = panels_r;
  n.f.y = out(y);
  n.f.h = out(h);
  n.f.c = c0 ? out(c) : nullptr;
  n.f.cells = keep && c0 ? out(cells) : nullptr;
  n.f.m = m;
  n.f.scratch = masked;
  n.norm = norm_parameters.norm;
  n.width = W;
  n.u = keep ? out(u) : nullptr;
  n.v = keep ? out(v) : nullptr;
  n.scale_u = keep ? out(scales) : nullptr;
  n.scale_v = keep ? out(scales) + N : nullptr;
  n.ahead = ahead;
  n.scratch = scratch;
  n.scratch_size = scratch_size;
  in_parts(parts, [&](int64_t part, int64_t of) { kernel.normed_forward(cell, n, part, of); });
  return {y, h, c, u, v, scales, cells};
}

}  // namespace elman
