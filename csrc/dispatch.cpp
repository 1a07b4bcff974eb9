// Chooses the instruction set: the best that this machine has, or the one named by the environment
// variable ELMAN_ISA.
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels.h"
#include "mutation.h"
#include "poison.h"

namespace elman {

namespace baseline {
extern const Table kTable;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Table kTable;
}
namespace avx512 {
extern const Table kTable;
}
#endif

namespace {

struct Choice {
  const char* name;
  const Table* table;
};

Choice choose() {
  Choice found[3] = {};
  int count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    found[count++] = {"avx512", &avx512::kTable};
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    found[count++] = {"avx2", &avx2::kTable};
  }
#endif
  found[count++] = {"baseline", &baseline::kTable};
  const char* wanted = std::getenv("ELMAN_ISA");
  if (!wanted || !*wanted) return found[0];
  std::string names;
  for (int i = 0; i < count; ++i) {
    if (!std::strcmp(found[i].name, wanted)) return found[i];
    names += (i ? ", " : "") + std::string(found[i].name);
  }
  throw std::runtime_error("ELMAN_ISA=" + std::string(wanted) + " is not one of this machine's: " +
                           names);
}

const Choice& chosen() {
  static const Choice choice = choose();
  return choice;
}

}  // namespace

const Table& table() { return *chosen().table; }
const char* table_name() { return chosen().name; }

}  // namespace elman

// The name of the chosen set; null where ELMAN_ISA names one that this machine lacks.
extern "C" __attribute__((visibility("default"))) const char* elman_instruction_set() {
  try {
    return elman::table_name();
  } catch (const std::exception&) {
    return nullptr;
  }
}

// For tests; see poison.h.
extern "C" __attribute__((visibility("default"))) void elman_poison_memory(int on) {
  elman::poisons = on != 0;
}

// For tests; see mutation.h.
extern "C" __attribute__((visibility("default"))) void elman_set_mutation(int which) {
  elman::mutation = elman::Mutation(which);
}
