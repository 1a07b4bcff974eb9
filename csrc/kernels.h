// The interface of each instruction set. Legend, here and in every file:
// T time, B batch, N = all real steps of all rows, I input, G gates, H hidden, R output of a step,
// which is also the input of V: H, or the width of an LSTM's projection.
//
// Sequences are laid out as torch packs them: rows sorted by length, longest first; all rows'
// step 0, then all rows' step 1, ...; row j takes part in step t when j < sizes[t].
#pragma once

#include <cstdint>

namespace elman {

class Barrier;

enum class Cell : int { kRnnTanh, kRnnRelu, kGru, kLstm };

struct Sequence {
  int64_t steps, batch, input, hidden, output, total;  // T, B, I, H, R, N
  const int64_t* sizes;    // (T,) rows that take part in each step
  const int64_t* offsets;  // (T,) where each step begins in the packed arrays
  bool reverse;            // from each row's last step to its first
  bool projected;          // whether a projection (R, H) makes the output
};

struct Regularization {
  const float* recurrent = nullptr;  // (B, R): multiplies h before V
  const float* zone_h = nullptr;     // (N, R): 1 where the old h is kept
  const float* zone_c = nullptr;     // (N, H)
  float rate_h = 0, rate_c = 0;      // or one rate for all of them

  constexpr bool any_zone() const { return zone_h || zone_c || rate_h != 0 || rate_c != 0; }
};

struct Forward {
  Sequence s;
  Regularization regularization;
  const float* x;        // (N, I)
  const float* u;        // (N, G H): U x + biases, for `forward_unpacked`
  const float* w_ih;     // (G H, I): U, and
  const float* w_hh;     // (G H, R): V, unpacked
  const float* w_hr;     // (R, H): the projection, or null
  const float* panels_u; // U, V and the projection packed by `pack`, or null for `forward_unpacked`
  const float* panels_v;
  const float* panels_r;
  const float* bias;     // (G H): bias_ih + bias_hh, for a GRU's candidate only bias_ih
  const float* bias_n;   // (H): a GRU's bias_hn
  float* y;              // (N, R)
  float* h;              // (B, R): the initial state, and at the end the final one
  float* c;              // (B, H): likewise, of an LSTM
  float* gates;          // (N, S H) saved for backward, or null: LSTM i f g o; GRU r z n v_n
  float* cells;          // (N, H) saved for backward: c after each step, of an LSTM
  float* m;              // (B, H): the input of the projection at this step
  float* scratch;        // (B, R) with recurrent dropout; (B, 2 R + G H) for `forward_unpacked`
};

struct Backward {
  Sequence s;
  Regularization regularization;
  const float* x;        // (N, I)
  const float* y;        // (N, R)
  const float* h0;       // (B, R)
  const float* c0;
  const float* cells;
  const float* dy;       // (N, R) or null
  const float* panels;   // V, U where dx is needed, and the projection, packed by `pack_backward`
  const float* panels_u;
  const float* panels_r;
  const float* gates;    // (N, S H) saved by forward
  float* dx;             // (N, I) or null
  float* dh;             // (B, R): gradient of the final state; at the end, of the initial one
  float* dc;
};

// What one part of the backward pass buffers: rows of steps whose gradients are known.
struct Chunk {
  int64_t capacity, rows;
  float* grads;     // (capacity, S H): gradients of the pre-activations
  float* h_old;     // (capacity, R): the input of V
  float* dp;        // (capacity, R): gradients of the projection's output, and
  float* m;         // (capacity, H): of its input; both empty without projection
  int64_t* places;  // (capacity,): the index of each row in the packed arrays
  float *du, *dv, *db, *dr;  // (G H, I), (G H, R), (S H), (R, H): added to
  float* scratch;   // `products_scratch` floats for each share of `products`
};

// Gains and shifts of layer normalization: of U x and V h (G H), whose shifts are the biases, and
// of an LSTM's c (H).
struct Norm {
  const float *gain_u, *shift_u, *gain_v, *shift_v, *gain_c, *shift_c;
};

struct NormedForward {
  Forward f;         // its gates, bias, bias_n and u are unused; weights are packed like those of a
  Norm norm;         // projection, for any number of gates, or read unpacked without panels
  int64_t width;     // G H
  float *u, *v;      // (N, G H): saved U x and V h, normalized, without gain or shift; or null
  float *scale_u, *scale_v;  // (N,): 1 / standard deviation of each
  int64_t ahead;     // rows of U x that a part computes at once, at least its rows of one step
  float* scratch;    // (parts, scratch_size): see layer_norm.h
  int64_t scratch_size;
};

struct NormedBackward {
  Backward b;        // its gates are unused; its panels have the gates in their own order
  Norm norm;
  int64_t width;
  const float *u, *v, *scale_u, *scale_v;
};

// `chunk.grads` (capacity, G H) are gradients of U x, `grads_v` those of V h.
struct NormedChunk {
  Chunk chunk;
  float* grads_v;
  float* workspace;      // `normed_workspace` floats
  float *d_gain_u, *d_shift_u, *d_gain_v, *d_shift_v, *d_gain_c, *d_shift_c;  // added to
};

struct Table {
  int lanes;
  // Floats that `pack` writes for a matrix (gates * hidden, depth), and the packing of share
  // `share` of `shares` of it.
  int64_t (*packed_size)(Cell, int64_t hidden, int64_t depth);
  void (*pack)(Cell, const float* weight, int64_t hidden, int64_t depth, float* to, int64_t share,
               int64_t shares);
  // U (G H, I) or V (G H, R) for the backward pass, the gates in the order of their gradients.
  int64_t (*packed_size_backward)(Cell, int64_t hidden, int64_t columns);
  void (*pack_backward)(Cell, const float* weight, int64_t hidden, int64_t columns, bool recurrent,
                    float* to, int64_t share, int64_t shares);
  // The share of part `part` of `parts`: its rows through all steps, no waiting for others.
  void (*forward)(Cell, const Forward&, int64_t part, int64_t parts);
  // For small batches: U x + biases for the gate units of part `part`, and parts [begin, end) of
  // the units through all steps, with a barrier after each.
  void (*project)(Cell, const Forward&, float* u, int64_t part, int64_t parts);
  void (*forward_unpacked)(Cell, const Forward&, int64_t begin, int64_t end, int64_t parts,
                           Barrier&);
  // The backward pass of part `part`. Fused: buffered rows go into the products when the chunk is
  // full; otherwise all stay buffered for `products`, share by share.
  void (*backward)(Cell, const Backward&, Chunk&, int64_t part, int64_t parts, bool fused);
  int64_t (*products_scratch)(Cell, const Sequence&);
  void (*products)(Cell, const Backward&, const Chunk&, int64_t share, int64_t shares);
  // The same with layer normalization; buffered rows go into the products when the chunk is full.
  int64_t (*normed_workspace)(Cell, int64_t hidden);
  void (*normed_forward)(Cell, const NormedForward&, int64_t part, int64_t parts);
  void (*normed_backward)(Cell, const NormedBackward&, NormedChunk&, int64_t part, int64_t parts);
};

const Table& table();           // of the best instruction set that this machine has
const char* table_name();

constexpr int64_t gates_of(Cell cell) {
  return cell == Cell::kLstm ? 4 : cell == Cell::kGru ? 3 : 1;
}

// Slots of H numbers that the gradients of the pre-activations of a step fill.
constexpr int64_t slots_of(Cell cell) {
  return cell == Cell::kLstm || cell == Cell::kGru ? 4 : 1;
}

// Slots that the forward pass of training saves for each step. An RNN saves none, since it needs
// only its output, unless zoneout mixes that with the old one.
constexpr int64_t kept_of(Cell cell, const Regularization& regularization) {
  return slots_of(cell) > 1 || regularization.any_zone() ? slots_of(cell) : 0;
}

}  // namespace elman
