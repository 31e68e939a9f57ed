// The seven ways of rounding that need rows whole, over magnitudes of one row: what each is off by,
// squared; what is clipped; what vanishes. In the order of `IN_PASS`.
//
// Here nothing comes near the ends of float32's range; `careful.cuh` takes what does.
#pragma once
#include "rounding.cuh"

enum { INT8_TOKEN, E4M3_TOKEN, E5M2_TOKEN, E4M3_BLOCK, MXFP8, MXFP4, NVFP4, NUM_WAYS };

#define LEAST_PLAIN 0x1p-60f               // of a block's largest value, where it is not zero
#define MOST_PLAIN 0x1p100f                // what a row's largest value is below
// Of a row's largest value: none above it vanishes in FP8. The least number of MXFP8 is the largest
// of all, up to 2^-9 / 448.
#define FP8_VANISHES 4.6e-6f

struct Sums {                              // of a lane
  double err_sq[NUM_WAYS];
  u32 vanished[NUM_WAYS], clipped[2];      // clipped by MXFP4 and NVFP4
};

struct Largest { float of_row, of_128, of_32, of_16; };  // magnitudes

// What NVFP4's codes are scaled by, for a tensor whose calibration split had this largest |x|.
struct Tensor { float threshold, scale, inverse; bool is_plain; };

// Keeps the compiler from dividing once more wherever the quotient is used.
__device__ __forceinline__ float kept(float x) {
  asm volatile("" : "+f"(x));
  return x;
}

__device__ __forceinline__ Tensor tensor_of(float threshold) {
  const float scale = kept(__fdiv_rn(MOST_NVFP4, threshold));
  bool is_plain = threshold >= LEAST_PLAIN && threshold < MOST_PLAIN;
  #pragma unroll
  for (int code = 8; code < 16; code++) is_plain &= !is_unlucky(__fdiv_rn((float)code, scale));
  return {threshold, scale, kept(__fdiv_rn(1.0f, scale)), is_plain};
}

struct RowScales {
  Divisor int8, e4m3;                      // E5M2's is 2^-7 of the latter
  float rare;                              // see FP8_VANISHES
};

__device__ __forceinline__ RowScales row_scales(float largest) {
  return {divisor_of(kept(__fdiv_rn(largest, 127.0f))), divisor_of(kept(__fdiv_rn(largest, MOST_E4M3))),
          __fmul_rn(largest, FP8_VANISHES)};
}

struct BlockScales {
  Divisor e4m3, nvfp4;                     // NVFP4's is zero where its own code is
  float mxfp8, mxfp4, most_nvfp4;
};

// A block of zeros is taken for one of small values: it has no error at any scale.
__device__ __forceinline__ BlockScales block_scales(const Largest& largest, const Tensor& tensor) {
  BlockScales s;
  s.e4m3 = divisor_of(divided(fmaxf(largest.of_128, LEAST_PLAIN), MOST_E4M3, 1.0f / MOST_E4M3));
  const int bits = __float_as_int(fmaxf(largest.of_32, LEAST_PLAIN));
  s.mxfp8 = __int_as_float((bits + 0x1f0000 & EXPONENT) - (8 << 23));   // up, where above 1.75
  s.mxfp4 = __int_as_float((bits + 0x200000 & EXPONENT) - (2 << 23));   // and from 1.75
  const float most = divided(fmaxf(largest.of_16, LEAST_PLAIN), MOST_E2M1, 1.0f / MOST_E2M1);
  const float code = to_e4m3(fminf(__fmul_rn(most, tensor.scale), MOST_E4M3));
  if (code > 0) {
    s.nvfp4 = divisor_of(divided(code, tensor.scale, tensor.inverse));
    s.most_nvfp4 = __fmul_rn(s.nvfp4.value, MOST_E2M1);
  } else {
    s.nvfp4 = {0, 0, 0};
    s.most_nvfp4 = MOST_PLAIN;
  }
  return s;
}

__device__ __forceinline__ void add_error(double& sum, float x, float y) {
  const double error = __fsub_rn(x, y);
  sum = __fma_rn(error, error, sum);
}

// Zeros and what vanishes in FP8 is not counted here.
__device__ __forceinline__ void take_value(float x, const RowScales& row, const BlockScales& block, Sums& sums) {
  const float int8 = quotient(x, row.int8);
  add_error(sums.err_sq[INT8_TOKEN], x, __fmul_rn(to_integer(int8), row.int8.value));
  sums.vanished[INT8_TOKEN] += int8 <= HALF_INT8;

  const float fp8 = quotient(x, row.e4m3);
  add_error(sums.err_sq[E4M3_TOKEN], x, __fmul_rn(to_e4m3(fp8), row.e4m3.value));
  add_error(sums.err_sq[E5M2_TOKEN], x, __fmul_rn(to_fraction<2>(fp8, 0x1p-21f), row.e4m3.value));
  add_error(sums.err_sq[E4M3_BLOCK], x, __fmul_rn(to_e4m3(quotient(x, block.e4m3)), block.e4m3.value));

  // Powers of two need no division: the step is one of x's own.
  add_error(sums.err_sq[MXFP8], x, to_fraction<3>(x, 0x1p-6f * block.mxfp8));
  const float most = MOST_E2M1 * block.mxfp4;
  add_error(sums.err_sq[MXFP4], x, to_fraction<1>(fminf(x, most), block.mxfp4));
  sums.clipped[0] += x > most;
  sums.vanished[MXFP4] += x <= HALF_E2M1 * block.mxfp4;

  const float fp4 = quotient(x, block.nvfp4);
  add_error(sums.err_sq[NVFP4], x, __fmul_rn(to_e2m1(fminf(fp4, MOST_E2M1)), block.nvfp4.value));
  sums.clipped[1] += x > block.most_nvfp4;
  sums.vanished[NVFP4] += fp4 <= HALF_E2M1;
}

// The rest: zeros do not vanish, and small values do in FP8.
__device__ __forceinline__ void take_small(float x, const RowScales& row, const BlockScales& block, Sums& sums) {
  const u32 is_zero = x == 0;
  sums.vanished[INT8_TOKEN] -= is_zero;
  sums.vanished[MXFP4] -= is_zero;
  sums.vanished[NVFP4] -= is_zero;
  if (is_zero) return;
  const float fp8 = quotient(x, row.e4m3);
  sums.vanished[E4M3_TOKEN] += fp8 <= HALF_E4M3;
  sums.vanished[E5M2_TOKEN] += fp8 <= 0x1p-7f * HALF_E5M2;
  sums.vanished[E4M3_BLOCK] += quotient(x, block.e4m3) <= HALF_E4M3;
  sums.vanished[MXFP8] += x <= HALF_E4M3 * block.mxfp8;
}
