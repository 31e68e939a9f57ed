// Two unsigned halves of a word at once: processors from compute capability 9.0 have instructions for
// that.
#pragma once
#include "types.cuh"

__device__ __forceinline__ u32 max_of_halves(u32 a, u32 b) {
#if __CUDA_ARCH__ >= 900
  u32 c;
  asm("max.u16x2 %0, %1, %2;" : "=r"(c) : "r"(a), "r"(b));
  return c;
#else
  return max(a & 0xffff0000u, b & 0xffff0000u) | max(a & 0xffffu, b & 0xffffu);
#endif
}

__device__ __forceinline__ u32 min_of_halves(u32 a, u32 b) {
#if __CUDA_ARCH__ >= 900
  u32 c;
  asm("min.u16x2 %0, %1, %2;" : "=r"(c) : "r"(a), "r"(b));
  return c;
#else
  return min(a & 0xffff0000u, b & 0xffff0000u) | min(a & 0xffffu, b & 0xffffu);
#endif
}
