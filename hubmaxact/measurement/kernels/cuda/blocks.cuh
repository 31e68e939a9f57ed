// Maxima of blocks of 16, 32 and 128 neighbouring channels, counted as bf16 patterns: bins in shared
// memory for a window of 16 exponents, additions in global memory outside it.
//
// Eight values of a lane are half of the smallest block; neighbouring lanes hold neighbours. A
// level is a magnitude and 1, so that 0 is none: of values that are not finite or not there.
#pragma once
#include "site.cuh"

#if LINEAR_INPUT
#define BLOCK_BINS 2048                    // of each size; the last is for zeros
#define NUM_SIZES 3

// `pattern`: |x| as bf16.
__device__ __forceinline__ void count_block(const Arguments& a, int size, u32 pattern, u32 window, u32* bins) {
  const u32 place = pattern - window;
  if (pattern == 0 || place < BLOCK_BINS - 1)
    atomicAdd(bins + size * BLOCK_BINS + min(place, BLOCK_BINS - 1u), 1u);
  else
    atomicAdd(a.block_counts + size * 0x8000 + pattern, 1ull);
}

// `level`: the largest of this lane's eight values. `pattern_of`: a level above 0 as bf16.
template <class F>
__device__ __forceinline__ void count_blocks(const Arguments& a, u32 level, u32 window, u32* bins, F pattern_of) {
  const int lane = threadIdx.x & 31;
  #pragma unroll
  for (int apart = 1, size = 0; apart < 16; apart *= 2) {
    level = max(level, __shfl_xor_sync(ALL_LANES, level, apart));
    if (apart == 4) continue;              // nobody has blocks of 64
    if (lane % (2 * apart) == 0 && level) count_block(a, size, pattern_of(level), window, bins);
    size++;
  }
}

__device__ __forceinline__ void add_block_bins(const Arguments& a, const u32* bins, u32 window) {
  for (int k = threadIdx.x; k < NUM_SIZES * BLOCK_BINS; k += blockDim.x) {
    const int place = k % BLOCK_BINS;
    const u32 count = bins[k];
    const u32 pattern = place < BLOCK_BINS - 1 ? window + place : 0;
    if (count) atomicAdd(a.block_counts + k / BLOCK_BINS * 0x8000 + pattern, (u64)count);
  }
}

// Raises the maximum of a channel, float bits; few values are records.
__device__ __forceinline__ void raise_channel(const Arguments& a, int channel, int known, u32 bits) {
  if (known < (int)bits) atomicMax(a.channel_max + channel, (int)bits);
}
#endif
