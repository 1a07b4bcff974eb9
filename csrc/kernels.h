// What the table of each instruction set offers. Legend, here and in every file:
// T time, B batch, N = all real steps of all rows, I input, G gates, H hidden.
//
// Sequences are laid out as torch packs them: rows sorted by length, longest first; all rows'
// step 0, then all rows' step 1, ...; row j takes part in step t when j < sizes[t].
#pragma once

#include <cstdint>

namespace elman {

enum class Cell : int { kRnnTanh, kRnnRelu, kGru, kLstm };

struct Sequence {
  int64_t steps, batch, input, hidden;
  const int64_t* sizes;    // (T,) rows that take part in each step
  const int64_t* offsets;  // (T,) where each step begins in the packed arrays
  bool reverse;            // from each row's last step to its first
};

struct Noise {
  const float* recurrent = nullptr;  // (B, H): multiplies h before V
  const float* zone_h = nullptr;     // (N, H): 1 where the old h stays
  const float* zone_c = nullptr;     // (N, H)
  float rate_h = 0, rate_c = 0;      // or one number for all of them
};

struct Forward {
  Sequence s;
  Noise noise;
  const float* x;        // (N, I), or null where `u` is given
  const float* u;        // (N, G H): U x + biases, or null
  const float* panels_u; // U and V packed by `pack`
  const float* panels_v;
  const float* bias;     // (G H): bias_ih + bias_hh, for a GRU's candidate only bias_ih
  const float* bias_n;   // (H): a GRU's bias_hn
  float* y;              // (N, H)
  float* h;              // (B, H): the initial state, and at the end the final one
  float* c;              // (B, H): likewise, of an LSTM
  float* gates;          // (N, S H) kept for backward, or null: LSTM i f g o; GRU r z n v_n
  float* cells;          // (N, H) kept for backward: c after each step, of an LSTM
  float* scratch;        // (B, 2 H)
};

struct Backward {
  Sequence s;
  Noise noise;
  const float* y;
  const float* h0;       // (B, H)
  const float* c0;
  const float* cells;
  const float* dy;       // (N, H) or null
  const float* panels;   // V transposed, packed
  const float* gates;    // kept by forward
  float* grads;          // (N, S H): gradients before the nonlinearities, in the same places
  float* dh;             // (B, H): gradient of the final state; at the end, of the initial one
  float* dc;
  float* h_old;          // (N, H) out: what V was multiplied with
};

struct Table {
  int lanes;
  // Floats that `pack` writes for a matrix (gates * hidden, depth), and the packing itself.
  int64_t (*packed_size)(Cell, int64_t hidden, int64_t depth);
  void (*pack)(Cell, const float* weight, int64_t hidden, int64_t depth, float* to);
  // V (G H, H) for the way back, its gates in the order in which backward leaves gradients.
  int64_t (*packed_size_back)(Cell, int64_t hidden);
  void (*pack_back)(Cell, const float* weight, int64_t hidden, float* to);
  // U x + biases for the packed steps [first, last).
  void (*project)(Cell, const Forward&, float* u, int64_t first, int64_t last);
  // The share of part `part` of `parts`: its rows through all steps, no waiting for others.
  void (*forward)(Cell, const Forward&, int64_t part, int64_t parts);
  void (*backward)(Cell, const Backward&, int64_t part, int64_t parts);
};

const Table& table();           // of the instruction set that this machine runs best
const char* table_name();

constexpr int64_t gates_of(Cell cell) {
  return cell == Cell::kLstm ? 4 : cell == Cell::kGru ? 3 : 1;
}

// Slots of H numbers that a training forward keeps of each step.
constexpr int64_t kept_of(Cell cell) {
  return cell == Cell::kLstm || cell == Cell::kGru ? 4 : 1;
}

}  // namespace elman
