// Temporary memory of a call.
#pragma once

#include <cstdlib>
#include <memory>

#include "allocate.h"

namespace elman {

// Allocates from one block that the calling thread keeps: memory that is returned to the system
// after each call has to be mapped again page by page at the next, a tenth of a small layer's time.
// The block is on pages of 2 MiB, since panels that are scattered over small pages may evict each
// other from the L2 cache (up to a third of the time of an RNN of 256 units). Pages that no call
// has touched take no memory. What does not fit into the block is allocated and freed with the
// call.
class Arena {
 public:
  Arena() : begin_(kept().used) {}
  ~Arena() { kept().used = begin_; }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `floats` floats, aligned to 64 bytes. They live as long as this arena; arenas of one thread are
  // destroyed in the reverse order of their construction.
  float* take(int64_t floats) {
    constexpr int64_t kLine = 16;
    // A cache line between pieces: those whose sizes are powers of two would otherwise share the
    // same sets of the L1 cache (a tenth of an RNN's time at H 256).
    const int64_t size = (floats + kLine - 1) / kLine * kLine + kLine;
    Kept& mine = kept();
    if (mine.floats && mine.used + size <= kFloats) {
      float* piece = mine.floats.get() + mine.used;
      mine.used += size;
      poison(piece, size);
      return piece;
    }
    spilled_.push_back(new_empty({size}));
    return out(spilled_.back());
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  static constexpr int64_t kFloats = 0;  // every piece is an allocation whose bounds are checked
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
