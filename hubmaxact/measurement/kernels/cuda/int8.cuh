// INT-8 rounding errors at one threshold: in double, rounded to float32, then added up exactly.
// Each operation is rounded by itself, as torch rounds it; a fused one would differ.
#pragma once
#include "site.cuh"
#include "sums.cuh"

#define LEVELS 127.0

struct Rounding {                          // in a lane
  SumsByExponent sums;
  u32 num_clipped;
};

__device__ __forceinline__ u32 error_of(u32 bits, double threshold, double scale, u32& num_clipped) {
  const double value = (double)__uint_as_float(bits);
  const double level = fmin(fmax(rint(__ddiv_rn(value, scale)), -LEVELS), LEVELS);
  num_clipped += fabs(value) > threshold;
  return __float_as_uint(fabsf(__double2float_rn(__dsub_rn(value, __dmul_rn(level, scale)))));
}

// Eight finite values of each lane; zeros have no error.
__device__ __forceinline__ void round_eight(
    Rounding& rounding, Errors* out, double threshold, const u32 (&bits)[8]) {
  const double scale = __ddiv_rn(threshold, LEVELS);
  u32 errors[8];
  #pragma unroll
  for (int j = 0; j < 8; j++) errors[j] = error_of(bits[j], threshold, scale, rounding.num_clipped);
  add_eight(rounding.sums, out->sums, errors);
}

__device__ __forceinline__ void give_errors(Rounding& rounding, Errors* out) {
  give_sums(rounding.sums, out->sums);
  if (rounding.num_clipped) atomicAdd(&out->num_clipped, (u64)rounding.num_clipped);
}
