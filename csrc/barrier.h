// A barrier for the threads of one loop, which wait for each other after each step.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

namespace elman {

class Barrier {
 public:
  explicit Barrier(int64_t parts) : parts_(parts) {}

  // Returns when all parts have arrived. One thread may arrive for several parts.
  void wait(int64_t coming) {
    if (coming == parts_) return;
    const int64_t round = round_.load(std::memory_order_relaxed);
    if (come_.fetch_add(coming, std::memory_order_acq_rel) + coming == parts_) {
      come_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    // The other threads are about a microsecond behind, unless another process has their core; then
    // spinning would only delay them, so yield.
    for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
      if (spins > kSpins) {
        std::this_thread::yield();
      } else {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
      }
    }
  }

 private:
  static constexpr int kSpins = 2000;
  const int64_t parts_;
  alignas(64) std::atomic<int64_t> come_{0};
  alignas(64) std::atomic<int64_t> round_{0};
};

}  // namespace elman
