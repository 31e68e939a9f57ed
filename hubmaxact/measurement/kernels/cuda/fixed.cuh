// Exact sums of fp16 values in fixed point: all are integers below 2^40 in steps of 2^-24, so a lane
// adds up its own, with nothing to agree on. Squares take 80 bits: those of values of 2 and more
// have a sum of their own, in steps of 2^-18.
#pragma once
#include "sums.cuh"

#define ONE 127                            // exponent of 1.0 as float32
#define STEP (ONE - 1)                     // exponent whose mantissas count in steps of 2^-24
#define HALF_WORD 0xffffffffull

struct FixedSums {
  u64 all, minus;                          // of |x|, of |x| of negative values: 2^24 fit
  u64 small, large;                        // of squares: a row fits
  u64 small_high, large_high;              // what was above 32 bits of those
};

// Zero where bits are shifted by 64 and more.
__device__ __forceinline__ u64 shifted(u64 x, u32 bits) {
  u64 y;
  asm("shr.u64 %0, %1, %2;" : "=l"(y) : "l"(x), "r"(bits));
  return y;
}

__device__ __forceinline__ void add_eight(FixedSums& sums, u64*, const u32 (&bits)[8]) {
  #pragma unroll
  for (int j = 0; j < 8; j++) {
    const u32 exponent = bits[j] >> 23 & 0xff;           // 0 for zeros alone: they are shifted out
    const u32 mantissa = (bits[j] >> 13 & 0x3ff) | 0x400;
    const u64 x = shifted((u64)mantissa << 29, ONE + 15 - exponent);
    sums.all += x;
    if ((int)bits[j] < 0) sums.minus += x;
    const bool is_large = exponent > ONE;
    const u64 square = shifted((u64)(mantissa * mantissa) << 28, 2 * ((is_large ? ONE + 15 : ONE) - exponent));
    if (is_large) sums.large += square; else sums.small += square;
  }
}

// After a row, before squares overflow.
__device__ __forceinline__ void make_room(FixedSums& sums) {
  sums.small_high += sums.small >> 32;
  sums.large_high += sums.large >> 32;
  sums.small &= HALF_WORD;
  sums.large &= HALF_WORD;
}

__device__ __forceinline__ void give_sums(FixedSums& sums, u64* out) {
  auto give = [&](int kind, int exponent, u64 sum) {
    if (sum) atomicAdd(out + kind * NUM_EXPONENTS + exponent, sum);
  };
  const u64 plus = sums.all - sums.minus;
  give(PLUS, STEP, plus & HALF_WORD);
  give(PLUS, STEP + 32, plus >> 32);
  give(MINUS, STEP, sums.minus & HALF_WORD);
  give(MINUS, STEP + 32, sums.minus >> 32);
  give(LOW, STEP, sums.small);             // an exponent is two bits of a square
  give(LOW, STEP + 16, sums.small_high);
  give(LOW, STEP + 15, sums.large);
  give(LOW, STEP + 31, sums.large_high);
}
