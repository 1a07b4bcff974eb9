// Memory that a call needs and nobody sees after it.
#pragma once

#include <cstdlib>
#include <memory>

#include "pages.h"

namespace elman {

// Pieces of one block that stays with the calling thread: what is given back to the system at the
// end of a call has to be had from it again, page by page, at the next, which took a small layer a
// tenth of its time. On pages of 2 MiB, since panels that lie scattered over small ones may push
// each other out of the second cache (a third of the time of an RNN of 256 units, by chance). Those
// that no call has touched take no memory. What does not fit comes fresh and goes with the call.
class Room {
 public:
  Room() : begin_(kept().used) {}
  ~Room() { kept().used = begin_; }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  // So many floats, from a multiple of 64 bytes on. They stay until this room goes, and rooms go in
  // the reverse of the order in which they came.
  float* take(int64_t floats) {
    constexpr int64_t kLine = 16;
    // A line between pieces: those whose sizes are powers of two would else lie in one another's
    // places of the near cache (a tenth of an RNN's time at H 256).
    const int64_t size = (floats + kLine - 1) / kLine * kLine + kLine;
    Kept& mine = kept();
    if (mine.floats && mine.used + size <= kFloats) {
      float* piece = mine.floats.get() + mine.used;
      mine.used += size;
      poison(piece, size);
      return piece;
    }
    spilled_.push_back(fresh({size}));
    return out(spilled_.back());
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr int64_t kFloats = 0;  // so that every piece has an end that is watched
#else
  static constexpr int64_t kFloats = int64_t(4) << 20;  // 16 MiB
#endif
  struct Free {
    void operator()(float* floats) const { std::free(floats); }
  };
  struct Kept {
    std::unique_ptr<float, Free> floats;
    int64_t used = 0;

    Kept() {
      constexpr size_t kBytes = size_t(kFloats) * sizeof(float);
      if (kBytes == 0) return;
      floats.reset(static_cast<float*>(std::aligned_alloc(kHugePage, kBytes)));
      if (floats) advise_huge(floats.get(), kBytes);
    }
  };
  static Kept& kept() {
    static thread_local Kept mine;
    return mine;
  }

  const int64_t begin_;
  std::vector<Tensor> spilled_;
};

}  // namespace elman
