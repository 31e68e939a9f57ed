// Eight neighbours of a row as bf16 magnitudes, two a word; zeros stand for what is not finite, which
// has no error, and for what is past the end.
#pragma once
#include "halves.cuh"
#include "row.cuh"

#define INFINITE_BF16 0x7f80u

struct Magnitudes { uint4 q; u32 largest, least; };  // bf16 patterns

__device__ __forceinline__ float value_of_bf16(u32 magnitude) { return __uint_as_float(magnitude << 16); }

#if FORMAT == 0
__device__ __forceinline__ uint4 load_magnitudes(const Row& row, int vector) {
  uint4 q = load_eight(row, vector);
  return make_uint4(q.x & 0x7fff7fffu, q.y & 0x7fff7fffu, q.z & 0x7fff7fffu, q.w & 0x7fff7fffu);
}
#else
__device__ __forceinline__ uint4 load_magnitudes(const Row& row, int vector) {
  u32 bits[8];
  load_eight(row, vector, bits);
  #pragma unroll
  for (int j = 0; j < 8; j++)
    bits[j] = (bits[j] & 0x7fffffffu) < 0x7f800000u ? rounded(bits[j]) : INFINITE_BF16;
  return make_uint4(bits[0] | bits[1] << 16, bits[2] | bits[3] << 16, bits[4] | bits[5] << 16, bits[6] | bits[7] << 16);
}
#endif

__device__ __forceinline__ u32 without_infinite(u32 word) {
  return ((word & 0xffffu) < INFINITE_BF16 ? word & 0xffffu : 0) |
         (word >> 16 < INFINITE_BF16 ? word & 0xffff0000u : 0);
}

__device__ __forceinline__ u32 largest_of(const uint4& q) {
  const u32 two = max_of_halves(max_of_halves(q.x, q.y), max_of_halves(q.z, q.w));
  return max(two & 0xffffu, two >> 16);
}

__device__ __forceinline__ Magnitudes magnitudes_of(const Row& row, int vector) {
  Magnitudes found = {{0, 0, 0, 0}, 0, 0};
  uint4& q = found.q;
  if (vector < NUM_VECTORS) q = load_magnitudes(row, vector);
  found.largest = largest_of(q);
  if (found.largest >= INFINITE_BF16) {
    q = make_uint4(without_infinite(q.x), without_infinite(q.y), without_infinite(q.z), without_infinite(q.w));
    found.largest = largest_of(q);
  }
  const u32 two = min_of_halves(min_of_halves(q.x, q.y), min_of_halves(q.z, q.w));
  found.least = min(two & 0xffffu, two >> 16);
  return found;
}
