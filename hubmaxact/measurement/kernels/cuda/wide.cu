// Every statistic of a site from its fp16 or fp32 tensor, exactly.
//
// A warp reads a row, rounds its values to bf16 and counts them, and adds up what is exact: sums,
// native extremes, zeros, INT-8 errors where thresholds are known. It reads the row once
// more, from cache, to see whether its median may matter. TEAMS: warps of a block.
#include "massive.cuh"
#include "top.cuh"
#include "block.cuh"
#include "int8.cuh"
#include "numbers.cuh"
#if FORMAT == 1
#include "fixed.cuh"
typedef FixedSums Sums;
#else
typedef SumsByExponent Sums;
#endif

#define NUM_ROUNDS ((NUM_VECTORS + 31) / 32)

// Takes eight values of each lane. ALL: all are there and finite; else `valid` says which, and the
// others are zeros, which add nothing to sums.
template <bool ALL>
__device__ __forceinline__ void take_eight(
    const Arguments& a, Seen& seen, const u32 (&bits)[8], u32 valid, u32 window, u32* bins, u32* num_strays) {
  u32 strays = 0;
  #pragma unroll
  for (int j = 0; j < 8; j++) {
    if (!ALL && !(valid >> j & 1)) continue;
    see(seen, bits[j]);
    strays |= (u32)count_rounded(bits[j], window, bins) << j;
  }
  if (strays) {
    #pragma unroll
    for (int j = 0; j < 8; j++)
      if (strays >> j & 1) count_stray(a, bits[j], bins, num_strays);
  }
}

// Which of eight values are there and finite; the others become zeros.
__device__ __forceinline__ u32 sift(Seen& seen, u32 (&bits)[8], int channel) {
  u32 valid = 0;
  #pragma unroll
  for (int j = 0; j < 8; j++) {
    const u32 magnitude = (bits[j] & 0x7fffffffu) >> SHIFT;
    const bool there = channel + j < WIDTH, finite = magnitude < INFINITE;
    seen.num_inf += there && magnitude == INFINITE;
    seen.num_nan += there && magnitude > INFINITE;
    valid |= (u32)(there && finite) << j;
    if (!finite) bits[j] = 0;
  }
  return valid;
}

#if LINEAR_INPUT
// Raises the maxima of eight channels of this lane, and counts the warp's blocks.
__device__ __forceinline__ void take_blocks(
    const Arguments& a, const u32 (&bits)[8], u32 valid, int channel, u32 window, u32* bins) {
  u32 level = 0;
  #pragma unroll
  for (int j = 0; j < 8; j++) {
    if (!(valid >> j & 1)) continue;
    const u32 magnitude = bits[j] & 0x7fffffffu;
    level = max(level, magnitude + 1);
    raise_channel(a, channel + j, fresh(a.channel_max + channel + j), magnitude);
  }
  count_blocks(a, level, window, bins, [](u32 above) { return rounded(above - 1); });
}
#endif

extern "C" __global__ void __launch_bounds__(32 * TEAMS, 1) fold(const __grid_constant__ Arguments a) {
  extern __shared__ __align__(16) u32 bins[];          // HALF of each sign
  __shared__ Block block;
  const int lane = threadIdx.x & 31, team = threadIdx.x >> 5;
  const int end = first_row(a, blockIdx.x + 1);
  int i = first_row(a, blockIdx.x) + team;
  Place now = {-1, -1, -1};
  if (i < end) now = place_of(a, i);
  const u32 window = begin_block(a, block, bins, now);
  Seen seen = NOTHING_SEEN;
  Sums sums = {};
  Rounding rounding[NUM_POLICIES] = {};

  for (; i < end; i += TEAMS) {
    now = place_of(a, i);
    if (now.row < 0) continue;
    const Row row = {a.x + now.row * a.row_stride, a.value_stride};
    int finite = -1;
    bool odd = false;                      // a value is not finite
    #pragma unroll 1
    for (int round = 0; round < NUM_ROUNDS; round++) {
      const int vector = round * 32 + lane;
      u32 bits[8] = {}, largest = 0;
      if (vector < NUM_VECTORS) load_eight(row, vector, bits);
      #pragma unroll
      for (int j = 0; j < 8; j++) largest = max(largest, (bits[j] & 0x7fffffffu) >> SHIFT);
      u32 valid = 0xff;
      if (__all_sync(ALL_LANES, vector < NUM_WHOLE && largest < INFINITE)) {
        take_eight<true>(a, seen, bits, valid, window, bins, &block.num_strays);
        finite = max(finite, (int)largest);
      } else {
        odd |= largest >= INFINITE;
        valid = sift(seen, bits, vector * 8);
        take_eight<false>(a, seen, bits, valid, window, bins, &block.num_strays);
        #pragma unroll
        for (int j = 0; j < 8; j++)
          if (valid >> j & 1) finite = max(finite, (int)((bits[j] & 0x7fffffffu) >> SHIFT));
      }
#if LINEAR_INPUT
      take_blocks(a, bits, valid, vector * 8, block.first_block_bin, bins + NUM_BINS);
#endif
      add_eight(sums, a.sums, bits);
      #pragma unroll
      for (int t = 0; t < NUM_POLICIES; t++)
        if (t < a.num_thresholds) round_eight(rounding[t], a.errors + t, a.thresholds[t], bits);
    }
    make_room(sums);
    finite = __reduce_max_sync(ALL_LANES, finite);
    odd = __any_sync(ALL_LANES, odd);
    see_row(seen, row, finite);
    const u64 gates = fresh((const u64*)block.gate);
    if (lane == 0 && now.group >= 0 && finite >= 0) offer_group(a, now.group, finite, block.known);
    if (lane == 0) count_beyond(finite, block.beyond);
    if (finite >= (int)(u32)gates) offer_top(a, row, now.position, finite, block);
#if !LINEAR_INPUT
    if (odd || finite <= 0) continue;
    const u32 limits[1] = {gate_of(value_of(finite), __uint_as_float((u32)(gates >> 32)))};
    u32 num_small[1];
    num_up_to(row, limits, num_small);
    if (num_small[0] > MEDIAN_RANK)
      offer_ratio(a.site, row, finite, blockIdx.x % 16 == 0 && team == 0, block.gate + 1);
#endif
  }

  give_sums(sums, a.sums);
  #pragma unroll
  for (int t = 0; t < NUM_POLICIES; t++)
    if (t < a.num_thresholds) give_errors(rounding[t], a.errors + t);
  for (int turn = 0; turn < TEAMS; turn++) {
    if (turn == team) give_seen(seen, a.numbers + blockIdx.x);
    __syncthreads();
  }
  give_block(a, block, bins, window);
  move_windows(a, block, bins, window);
}
