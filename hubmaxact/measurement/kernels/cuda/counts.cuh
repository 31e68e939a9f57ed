// How often each bf16 pattern occurs: bins in shared memory for a window of 64 exponents of either
// sign, one atomic addition a value in global memory for what lies outside.
#pragma once
#include "site.cuh"

#define NUM_BINS 16384                     // 64 KiB
#define HALF (NUM_BINS / 2)                // bins of one sign; the last is for zeros

#if FORMAT == 0
// The bins of two values, in each half: |pattern| less the window's begin, what is outside last;
// then the sign.
__device__ __forceinline__ u32 bins_of(u32 word, u32 magnitudes, u32 window) {
  u32 c;
#if __CUDA_ARCH__ >= 900
  asm("{.reg .b32 t; add.u16x2 t, %1, %2; min.u16x2 %0, t, %3;}"
      : "=r"(c)
      : "r"(magnitudes), "r"((0x10000u - window) * 0x10001u), "r"((HALF - 1) * 0x10001u));
#else
  c = min((magnitudes & 0xffffu) - window, HALF - 1u) | min((magnitudes >> 16) - window, HALF - 1u) << 16;
#endif
  return c | (word & 0x80008000u) / (0x8000u / HALF);
}

// Values outside the window, NaN and infinities too, are counted one by one in global memory: the
// hot loop took them for zeros of their sign. `first`, `step`: vectors of the row in this lane.
__device__ __noinline__ void count_strays(
    const Arguments& a, const Row& row, int first, int step, u32 window, u32* bins, u32* num_strays) {
  u32 found = 0;
  #pragma unroll 1
  for (int vector = first; vector < NUM_VECTORS; vector += step) {
    int left = WIDTH - vector * 8;
    each_word(load_eight(row, vector), [&](u32 word) {
      #pragma unroll
      for (int half = 0; half < 2; half++) {
        const u32 pattern = half ? word >> 16 : word & 0xffffu, magnitude = pattern & 0x7fff;
        if (left-- > 0 && magnitude && magnitude - window >= HALF - 1) {
          atomicAdd(a.counts + pattern, 1ull);
          atomicSub(bins + HALF - 1 + (pattern >> 15) * HALF, 1u);
          found++;
        }
      }
    });
  }
  if (found) atomicAdd(num_strays, found);
}
#else
// Counts a finite value; what is outside the window, for the time being, as a zero of its sign.
// Returns whether it was. The first window holds all of fp16, so there it never moves.
__device__ __forceinline__ bool count_rounded(u32 bits, u32 window, u32* bins) {
  const u32 pattern = rounded(bits), place = min(pattern - window, HALF - 1u);
  atomicAdd(bins + (bits >> 31) * HALF + place, 1u);
  return FORMAT == 2 && place == HALF - 1 && pattern;
}

// Counts one of those where it belongs.
__device__ __noinline__ void count_stray(const Arguments& a, u32 bits, u32* bins, u32* num_strays) {
  const u32 sign = bits >> 31;
  atomicSub(bins + sign * HALF + HALF - 1, 1u);
  atomicAdd(a.counts + sign * 0x8000 + rounded(bits), 1ull);
  atomicAdd(num_strays, 1u);
}
#endif

// Adds the block's bins to the site's counts; blocks begin at different places.
__device__ __forceinline__ void add_bins(const Arguments& a, const u32* bins, u32 window) {
  for (int k = threadIdx.x; k < NUM_BINS; k += blockDim.x) {
    const int bin = (k + blockIdx.x * 128) % NUM_BINS, place = bin % HALF;
    const u32 count = bins[bin];
    if (count) atomicAdd(a.counts + bin / HALF * 0x8000 + (place < HALF - 1 ? window + place : 0), (u64)count);
  }
}

// The window of so many exponents that holds most of the counts so far; of several the middle one,
// so that counts may grow either way. `per_exponent`: room for 256.
__device__ __noinline__ u32 best_window(const u64* counts, int num_signs, int num_exponents, u64* per_exponent) {
  for (int exponent = threadIdx.x >> 5; exponent < 256; exponent += blockDim.x >> 5) {
    u64 sum = 0;
    for (int k = threadIdx.x & 31; k < 128 * num_signs; k += 32)
      sum += fresh(counts + (k >> 7) * 0x8000 + exponent * 128 + (k & 127));
    for (int apart = 16; apart; apart /= 2) sum += __shfl_down_sync(ALL_LANES, sum, apart);
    if ((threadIdx.x & 31) == 0) per_exponent[exponent] = sum;
  }
  __syncthreads();
  u64 inside = 0, most = 0;
  int first = 1, last = 1;
  for (int begin = 254; begin > 0; begin--) {  // zeros and what is not finite are never inside
    inside += per_exponent[begin];
    if (begin + num_exponents < 255) inside -= per_exponent[begin + num_exponents];
    if (begin > 255 - num_exponents) continue;
    if (inside > most) { most = inside; last = begin; }
    if (inside == most) first = begin;
  }
  __syncthreads();                         // everybody has read the room
  return (first + last) / 2 * 128;
}
