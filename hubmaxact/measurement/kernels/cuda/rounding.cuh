// Rounding of magnitudes to the formats of deployment: equal to `rounding.rounded`, value for value.
//
// Each operation is rounded by itself, as torch rounds it; a fused one stands where it is exact, or
// where no rounded number can tell. A value is a bf16 magnitude, of eight bits.
#pragma once
#include "types.cuh"

#define EXPONENT 0x7f800000u               // the bits of a float32's exponent
#define MOST_E4M3 448.0f
#define MOST_E2M1 6.0f
#define MOST_NVFP4 2688.0f

// Half of the least number above zero: what is at most that, rounds to zero.
#define HALF_INT8 0.5f
#define HALF_E4M3 0x1p-10f
#define HALF_E5M2 0x1p-17f
#define HALF_E2M1 0.25f

// The nearest integer, half to even, of what is less than 2^22.
__device__ __forceinline__ float to_integer(float x) { return __fsub_rn(__fadd_rn(x, 0x1p23f), 0x1p23f); }

// The nearest number with so many bits of fraction, half to even; steps are even below the least
// normal one, a power of two. A sum that has no room for more bits rounds.
template <int FRACTION> __device__ __forceinline__ float to_fraction(float x, float least_normal) {
  const float power = __uint_as_float(__float_as_uint(fmaxf(x, least_normal)) & EXPONENT);
  constexpr float shift = 1 << (23 - FRACTION);
  return __fmaf_rn(power, -shift, __fmaf_rn(power, shift, x));
}

// Of what is at most 448, 57344 and 6.
__device__ __forceinline__ float to_e4m3(float x) { return to_fraction<3>(x, 0x1p-6f); }
__device__ __forceinline__ float to_e5m2(float x) { return to_fraction<2>(x, 0x1p-14f); }
__device__ __forceinline__ float to_e2m1(float x) { return to_fraction<1>(x, 1.0f); }

// A value divided by what has this inverse, rounded to nearest: exactly the quotient.
__device__ __forceinline__ float divided(float x, float by, float inverse) {
  const float near = __fmul_rn(x, inverse);
  return __fmaf_rn(__fmaf_rn(-near, by, x), inverse, near);
}

// What many values are divided by. 1 / value is inverse + rest, to twice float32's bits.
// Its inverse, but for a few of the last bits.
__device__ __forceinline__ float about_inverse(float value) {
  float inverse;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(inverse) : "f"(value));
  return inverse;
}

struct Divisor { float value, inverse, rest; };

__device__ __forceinline__ Divisor divisor_of(float value) {
  const float inverse = about_inverse(value);
  return {value, inverse, __fmul_rn(__fmaf_rn(-value, inverse, 1.0f), inverse)};
}

// The quotient of a value, but for its last bit: that of a number of nine bits is right, so that
// whatever is rounded or compared next ends where the quotient itself does. The one that is not, a
// power of two by what `is_unlucky`, has to be divided in another way.
__device__ __forceinline__ float quotient(float x, const Divisor& by) {
  return __fmaf_rn(x, by.inverse, __fmul_rn(x, by.rest));
}
__device__ __forceinline__ bool is_unlucky(float divisor) {
  return (__float_as_uint(divisor) & 0x7fffffu) == 0x7fffffu;
}

// The power of two of this exponent, -127 to 127.
__device__ __forceinline__ float power_of_two(int exponent) {
  return __uint_as_float(exponent > -127 ? (u32)(exponent + 127) << 23 : 1u << 22);
}
