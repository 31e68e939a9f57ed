// Exact sums of float32 values: mantissas and their squares are integers, added up by exponent.
//
// A warp adds up the values of one exponent at a time, the largest first. Each lane keeps the sums
// of one exponent, the last one of those that fall to it, and gives them to global memory when
// another one comes: values that lie together have fewer exponents than a warp has lanes.
#pragma once
#include "row.cuh"

#define NUM_EXPONENTS 256
enum { PLUS, MINUS, HIGH, LOW };           // rows of sums: of mantissas, by sign; of halves of squares
#define SQUARE_BITS 24                     // of the lower half

struct SumsByExponent {
  u32 number;                              // of the exponent, from 1; 0: none yet
  u64 of[4];
};

__device__ __forceinline__ void give_sums(SumsByExponent& sums, u64* out) {
  #pragma unroll
  for (int kind = 0; kind < 4; kind++) {
    if (sums.of[kind]) atomicAdd(out + kind * NUM_EXPONENTS + sums.number - 1, sums.of[kind]);
    sums.of[kind] = 0;
  }
}

// Adds eight finite values of each lane, as bits; zeros add nothing.
__device__ __forceinline__ void add_eight(SumsByExponent& sums, u64* out, const u32 (&bits)[8]) {
  u32 number[8], mantissa[8], next = 0;
  #pragma unroll
  for (int j = 0; j < 8; j++) {
    const u32 exponent = bits[j] >> 23 & 0xff;
    mantissa[j] = (bits[j] & 0x7fffffu) | (exponent ? 0x800000u : 0);
    number[j] = mantissa[j] ? exponent + 1 : 0;
    next = max(next, number[j]);
  }
  while (const u32 chosen = __reduce_max_sync(ALL_LANES, next)) {
    u32 found[4] = {};                     // each less than 2^24 a value, of 256 values
    next = 0;
    #pragma unroll
    for (int j = 0; j < 8; j++) {
      if (number[j] == chosen) {
        const u64 square = (u64)mantissa[j] * mantissa[j];
        found[PLUS] += mantissa[j];
        found[MINUS] += bits[j] >> 31 ? mantissa[j] : 0;
        found[HIGH] += (u32)(square >> SQUARE_BITS);
        found[LOW] += (u32)square & ((1u << SQUARE_BITS) - 1);
        number[j] = 0;
      }
      next = max(next, number[j]);
    }
    #pragma unroll
    for (int kind = 0; kind < 4; kind++) found[kind] = __reduce_add_sync(ALL_LANES, found[kind]);
    found[PLUS] -= found[MINUS];
    if ((threadIdx.x & 31) == (chosen & 31)) {
      if (sums.number != chosen) {
        give_sums(sums, out);
        sums.number = chosen;
      }
      #pragma unroll
      for (int kind = 0; kind < 4; kind++) sums.of[kind] += found[kind];
    }
  }
}

__device__ __forceinline__ void make_room(SumsByExponent&) {}  // there is always room
