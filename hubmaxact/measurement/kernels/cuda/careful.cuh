// The same seven ways, one after another, wherever a value or a threshold is near the ends of
// float32's range: quotients by division, scales that are subnormal or zero, products up to infinity.
#pragma once
#include "ways.cuh"

#define MOST_FLOAT32 0x1.fffffep127f

// MX's scale for E4M3 elements: the least power of two at which nothing saturates.
__device__ __forceinline__ float careful_power_up(float largest) {
  const u32 bits = __float_as_uint(__fdiv_rn(largest, MOST_E4M3));
  return power_of_two(bits <= 1u << 22 ? -127 : (int)((bits - 1) >> 23) - 126);
}

// MX's scale for E2M1 elements: of the magnitude rounded to one bit of fraction.
__device__ __forceinline__ float careful_power_even(float largest) {
  return power_of_two((int)(__float_as_uint(largest) + 0x200000u >> 23) - 127 - 2);
}

__device__ __forceinline__ float careful_nvfp4(float largest, const Tensor& tensor) {
  const float most = __fmul_rn(__fdiv_rn(largest, MOST_E2M1), tensor.scale);
  return __fdiv_rn(to_e4m3(fminf(most, MOST_E4M3)), tensor.scale);
}

// One way over one value. A scale of zero, or one that is not a number, gives zero.
template <class F>
__device__ __forceinline__ void careful_way(Sums& sums, int way, float x, float scale, float most, F to_element) {
  const float element = to_element(fminf(__fdiv_rn(x, scale), most));
  const float y = scale > 0 ? fminf(__fmul_rn(element, scale), MOST_FLOAT32) : 0;
  add_error(sums.err_sq[way], x, y);
  sums.vanished[way] += x != 0 && y == 0;
  if (way >= MXFP4) sums.clipped[way - MXFP4] += scale > 0 && x > __fmul_rn(scale, most);
}

__device__ __forceinline__ void careful_value(float x, const Largest& largest, const Tensor& tensor, Sums& sums) {
  const auto e4m3 = [](float q) { return to_e4m3(q); };
  const auto e5m2 = [](float q) { return to_e5m2(q); };
  const auto e2m1 = [](float q) { return to_e2m1(q); };
  const auto integer = [](float q) { return to_integer(q); };
  careful_way(sums, INT8_TOKEN, x, __fdiv_rn(largest.of_row, 127.0f), 127.0f, integer);
  careful_way(sums, E4M3_TOKEN, x, __fdiv_rn(largest.of_row, MOST_E4M3), MOST_E4M3, e4m3);
  careful_way(sums, E5M2_TOKEN, x, __fdiv_rn(largest.of_row, 57344.0f), 57344.0f, e5m2);
  careful_way(sums, E4M3_BLOCK, x, __fdiv_rn(largest.of_128, MOST_E4M3), MOST_E4M3, e4m3);
  careful_way(sums, MXFP8, x, careful_power_up(largest.of_32), MOST_E4M3, e4m3);
  careful_way(sums, MXFP4, x, careful_power_even(largest.of_32), MOST_E2M1, e2m1);
  if (tensor.threshold > 0)
    careful_way(sums, NVFP4, x, careful_nvfp4(largest.of_16, tensor), MOST_E2M1, e2m1);
}
