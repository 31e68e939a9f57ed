// Massive tokens (Sun et al. 2024) and the largest ratio of a row's maximum to its median.
//
// A median is a search; counting is one comparison a value. So rows are gated: one whose median
// cannot be small enough to beat the largest ratio so far, or to be massive, is done with.
#pragma once
#include "site.cuh"

#define MASSIVE_ABS 100.0f
#define MASSIVE_RATIO 1000.0
#define MASSIVE_INVERSE 0.001f
#if FORMAT == 0
// Two quotients of bf16 values are equal or differ by 2^-16 of them: 2^-18 less than 1 lets no tie
// pass, and misses nothing larger.
#define SHY 0.9999961853f
#else
// Quotients of other values may be as close as can be: none is missed, ties pass.
#define SHY 1.0000019073f
#endif

__device__ __forceinline__ float inverse_of(u64 ratio) {
  return fmaxf((float)((double)SHY / __longlong_as_double(ratio)), 1e-35f);
}

// The largest magnitude whose quotient largest / value is above SHY / inverse.
__device__ __forceinline__ u32 limit_of(float largest, float inverse) {
  const float scaled = largest * inverse;
  return min((__float_as_uint(scaled) >> SHIFT) + (scaled < 1e-30f), INFINITE - 1u);
}

// The same for a row of this maximum, massive rows included.
__device__ __forceinline__ u32 gate_of(float largest, float inverse) {
  return limit_of(largest, largest > MASSIVE_ABS ? fmaxf(inverse, MASSIVE_INVERSE * SHY) : inverse);
}

// The lower median of a row, known to lie in [low, high]: four limits a pass.
__device__ __forceinline__ u32 median_of(const Row& row, u32 low, u32 high) {
  u32 limits[4], counts[4];
  while (low < high) {
    const u32 span = high - low;
    #pragma unroll
    for (u32 t = 0; t < 4; t++) limits[t] = low + span * (t + 1) / 5;
    num_up_to(row, limits, counts);
    #pragma unroll
    for (u32 t = 0; t < 4; t++)
      if (counts[t] > MEDIAN_RANK) high = min(high, limits[t]); else low = max(low, limits[t] + 1);
  }
  return low;
}

// The largest ratio so far. Where nothing is known of a site, all but a few warps wait a moment for
// a first one: each of their rows would need its median.
__device__ __forceinline__ u64 known_ratio(const Site* site, bool may_be_first) {
  u64 best = fresh(&site->ratio);
  for (int tries = 0; best == 0 && tries < 100 && !may_be_first; tries++) {
    __nanosleep(100);
    best = fresh(&site->ratio);
  }
  return __shfl_sync(ALL_LANES, best, 0);
}

// Takes a finite row whose ratio may be the largest, or above 1000.
__device__ __noinline__ void offer_ratio(
    Site* site, const Row& row, u32 row_max, bool may_be_first, int* gate_inverse) {
  const bool leads = (threadIdx.x & 31) == 0;
  const float largest = value_of(row_max);
  const float inverse = inverse_of(known_ratio(site, may_be_first));
  if (leads) atomicMin(gate_inverse, __float_as_int(inverse));
  const u32 high = limit_of(largest, inverse);
  const u32 massive = largest > MASSIVE_ABS ? limit_of(largest, MASSIVE_INVERSE * SHY) : 0;
  const u32 limits[3] = {0, massive, high};
  u32 counts[3];
  num_up_to(row, limits, counts);
  if (counts[0] > MEDIAN_RANK) return;     // a median of zero gives no ratio
#if FORMAT == 0                            // the limit tells all
  if (counts[1] > MEDIAN_RANK && leads) atomicAdd(&site->num_massive, 1ull);
  if (counts[2] <= MEDIAN_RANK) return;    // no larger than the largest
  const u32 median = median_of(row, 1, high);
  if (!leads) return;
#else
  if (max(counts[1], counts[2]) <= MEDIAN_RANK) return;
  const u32 median = median_of(row, 1, max(massive, high));
  if (!leads) return;
  if (largest > MASSIVE_ABS && (double)largest / (double)value_of(median) > MASSIVE_RATIO)
    atomicAdd(&site->num_massive, 1ull);
#endif
  const double ratio = (double)largest / (double)value_of(median);
  const u64 bits = (u64)__double_as_longlong(ratio);
  atomicMax(&site->ratio, bits);
  atomicMin(gate_inverse, __float_as_int(inverse_of(bits)));
}
