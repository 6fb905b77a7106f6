#include "aidge/data/Convert.hpp"

#include <cstring>

namespace Aidge {

void convertElements(const void* in, DataType from, void* out, DataType to, std::size_t n) {
  if (n == 0) return;
  if (from == to) {
    if (in != out) std::memmove(out, in, n * sizeOf(from));
    return;
  }
  withType(from, [&]<typename From>() {
    const auto* source = static_cast<const From*>(in);
    withType(to, [&]<typename To>() {
      auto* target = static_cast<To*>(out);
      for (std::size_t i = 0; i < n; ++i) target[i] = convertTo<To>(source[i]);
    });
  });
}

}  // namespace Aidge
