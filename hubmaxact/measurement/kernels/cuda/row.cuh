// A row of values: how it lies in memory, and what one warp finds out by reading it again.
//
// FORMAT: 0 bf16, 1 fp16, 2 fp32. WIDTH: values of a row. LAYOUT: how they lie, see `load_eight`.
// A value is its bits as float32, into which all three widen exactly. Its magnitude is those bits
// without the sign, and without the SHIFT lowest ones, which are zero: integers that order |x|.
#pragma once
#include "types.cuh"

#if FORMAT == 0
typedef u16 Stored;
#define SHIFT 16
#elif FORMAT == 1
typedef u16 Stored;
#define SHIFT 13
#else
typedef u32 Stored;
#define SHIFT 0
#endif

#define ALL_LANES 0xffffffffu
#define INFINITE (0x7f800000u >> SHIFT)    // magnitude of infinity; above it NaN
#define NUM_VECTORS ((WIDTH + 7) / 8)      // of eight values; the last may be short
#define NUM_WHOLE (WIDTH / 8)
#define MEDIAN_RANK ((WIDTH - 1) / 2)      // of the lower median, from 0

struct Row {
  const Stored* values;
  i64 stride;                              // between values, in values
};

// What another thread may have changed meanwhile.
template <class T> __device__ __forceinline__ T fresh(const T* p) { return *(const volatile T*)p; }

// Bits of float32.
__device__ __forceinline__ u32 widened(Stored value) {
#if FORMAT == 1
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(value));
  return __float_as_uint(wide);
#else
  return (u32)value << (FORMAT == 0 ? 16 : 0);
#endif
}

__device__ __forceinline__ float value_of(u32 magnitude) { return __uint_as_float(magnitude << SHIFT); }

template <bool STREAM> __device__ __forceinline__ uint4 load_16_bytes(const uint4* p) {
  if (!STREAM) return __ldg(p);
  uint4 q;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
      : "=r"(q.x), "=r"(q.y), "=r"(q.z), "=r"(q.w) : "l"(p));
  return q;
}

template <class F> __device__ __forceinline__ void each_word(const uint4& q, F f) {
  f(q.x); f(q.y); f(q.z); f(q.w);
}

#if FORMAT == 0
#include "pairs.cuh"
#else
// Eight neighbours as bits of float32, zeros past the end.
__device__ __forceinline__ void load_eight(const Row& row, int vector, u32 (&bits)[8]) {
#if LAYOUT == 1 && FORMAT == 1             // neighbours in memory, aligned to 16 bytes
  int j = 0;
  each_word(load_16_bytes<false>((const uint4*)row.values + vector), [&](u32 word) {
    bits[j++] = widened((u16)word);
    bits[j++] = widened((u16)(word >> 16));
  });
#elif LAYOUT == 1
  int j = 0;
  each_word(load_16_bytes<false>((const uint4*)row.values + 2 * vector), [&](u32 word) { bits[j++] = word; });
  each_word(load_16_bytes<false>((const uint4*)row.values + 2 * vector + 1), [&](u32 word) { bits[j++] = word; });
#else                                      // any stride, any address
  #pragma unroll
  for (int j = 0; j < 8; j++)
    bits[j] = vector * 8 + j < WIDTH ? widened(row.values[(vector * 8 + j) * row.stride]) : 0;
#endif
}

// |pattern| of a finite value rounded to bf16, half to even, never to infinity.
__device__ __forceinline__ u32 rounded(u32 bits) {
  return min(((bits & 0x7fffffffu) + 0x7fffu + (bits >> 16 & 1)) >> 16, 0x7f7fu);
}

// f(magnitude, channel) for the values of this lane.
template <class F> __device__ __forceinline__ void read_again(const Row& row, F f) {
  #pragma unroll 2
  for (int vector = threadIdx.x & 31; vector < NUM_VECTORS; vector += 32) {
    u32 bits[8];
    load_eight(row, vector, bits);
    #pragma unroll
    for (int j = 0; j < 8; j++)
      if (WIDTH % 8 == 0 || vector * 8 + j < WIDTH) f((bits[j] & 0x7fffffffu) >> SHIFT, vector * 8 + j);
  }
}

// How many |x| of a row are at most each limit.
template <int N>
__device__ __forceinline__ void num_up_to(const Row& row, const u32 (&limits)[N], u32 (&counts)[N]) {
  #pragma unroll
  for (int t = 0; t < N; t++) counts[t] = 0;
  read_again(row, [&](u32 magnitude, int) {
    #pragma unroll
    for (int t = 0; t < N; t++) counts[t] += magnitude <= limits[t];
  });
  #pragma unroll
  for (int t = 0; t < N; t++) counts[t] = __reduce_add_sync(ALL_LANES, counts[t]);
}
#endif

// The largest finite magnitude, -1 where there is none.
__device__ __noinline__ int finite_max(const Row& row) {
  int best = -1;
  read_again(row, [&](u32 magnitude, int) {
    if (magnitude < INFINITE) best = max(best, (int)magnitude);
  });
  return __reduce_max_sync(ALL_LANES, best);
}
