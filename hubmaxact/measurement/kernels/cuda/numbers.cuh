// Extremes, ties of the largest |x|, zeros and what is not finite: of a warp, of a block.
#pragma once
#include "site.cuh"

struct Seen {                              // in one launch: fewer than 2^32 values
  float high, low;                         // of this lane
  u32 num_zeros, num_nan, num_inf;         // of this lane
  int largest;                             // magnitude of the warp's rows, -1: none
  u32 num_ties, num_rows;                  // of the warp
};

#define NOTHING_SEEN {-__int_as_float(0x7f800000), __int_as_float(0x7f800000), 0, 0, 0, -1, 0, 0}

__device__ __forceinline__ void see(Seen& seen, u32 bits) {
  seen.high = fmaxf(seen.high, __uint_as_float(bits));
  seen.low = fminf(seen.low, __uint_as_float(bits));
  seen.num_zeros += (bits & 0x7fffffffu) == 0;
}

// The largest finite magnitude of a row: few rows hold as large a one as those before.
__device__ __forceinline__ void see_row(Seen& seen, const Row& row, int finite) {
  seen.num_rows++;
  if (finite < seen.largest || finite < 0) return;
  if (finite > seen.largest) seen.num_ties = 0;
  seen.largest = finite;
  u32 equal = 0;
  read_again(row, [&](u32 magnitude, int) { equal += (int)magnitude == finite; });
  seen.num_ties += __reduce_add_sync(ALL_LANES, equal);
}

__device__ __forceinline__ u64 sum_of_lanes(u64 mine) {
  for (int apart = 16; apart; apart /= 2) mine += __shfl_xor_sync(ALL_LANES, mine, apart);
  return mine;
}

// Floats ordered as unsigned integers.
__device__ __forceinline__ u32 key_of(float x) {
  const u32 bits = __float_as_uint(x);
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

// Folds a warp into its block's numbers; one warp after the other.
__device__ __forceinline__ void give_seen(const Seen& seen, Numbers* numbers) {
  const u32 high = __reduce_max_sync(ALL_LANES, key_of(seen.high));
  const u32 low = __reduce_min_sync(ALL_LANES, key_of(seen.low));
  const u64 num_zeros = sum_of_lanes(seen.num_zeros), num_nan = sum_of_lanes(seen.num_nan);
  const u64 num_inf = sum_of_lanes(seen.num_inf);
  if ((threadIdx.x & 31) != 0) return;
  numbers->num_values += (u64)seen.num_rows * WIDTH;
  numbers->num_nan += num_nan;
  numbers->num_inf += num_inf;
  if (seen.largest < 0) return;            // nothing finite
  numbers->num_zeros += num_zeros;
  numbers->high = max(numbers->high, high);
  numbers->not_low = max(numbers->not_low, ~low);
  const u64 largest = (u64)seen.largest + 1;
  if (largest > numbers->largest) numbers->num_ties = 0;
  numbers->largest = max(numbers->largest, largest);
  if (largest == numbers->largest) numbers->num_ties += seen.num_ties;
}
