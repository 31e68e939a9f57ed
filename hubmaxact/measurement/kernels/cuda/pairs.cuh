// bf16 values two at a time: processors from compute capability 9.0 have instructions for that.
// A word holds two values; its magnitude halves are |pattern|.
#pragma once
#include "halves.cuh"
#include "row.cuh"

// Eight neighbours, zeros past the end. STREAM: nobody reads them again soon.
template <bool STREAM = false>
__device__ __forceinline__ uint4 load_eight(const Row& row, int vector) {
#if LAYOUT == 1                            // neighbours in memory, aligned to 16 bytes
  return load_16_bytes<STREAM>((const uint4*)row.values + vector);
#elif LAYOUT == 2                          // every second value, aligned
  const uint4 a = load_16_bytes<STREAM>((const uint4*)row.values + 2 * vector);
  const uint4 b = load_16_bytes<STREAM>((const uint4*)row.values + 2 * vector + 1);
  return make_uint4(__byte_perm(a.x, a.y, 0x5410), __byte_perm(a.z, a.w, 0x5410),
                    __byte_perm(b.x, b.y, 0x5410), __byte_perm(b.z, b.w, 0x5410));
#else                                      // any stride, any address
  u32 h[8];
  #pragma unroll
  for (int j = 0; j < 8; j++)
    h[j] = vector * 8 + j < WIDTH ? row.values[(vector * 8 + j) * row.stride] : 0;
  return make_uint4(h[0] | h[1] << 16, h[2] | h[3] << 16, h[4] | h[5] << 16, h[6] | h[7] << 16);
#endif
}

// The least |pattern| less 1 of two values and of what was least so far, so that zeros come last.
__device__ __forceinline__ u32 lower(u32 least, u32 magnitudes) {
#if __CUDA_ARCH__ >= 900
  u32 c;
  asm("{.reg .b32 t; add.u16x2 t, %1, %3; min.u16x2 %0, t, %2;}"
      : "=r"(c) : "r"(magnitudes), "r"(least), "r"(ALL_LANES));
  return c;
#else
  return min(least, min((magnitudes & 0xffffu) - 1, (magnitudes >> 16) - 1));
#endif
}
__device__ __forceinline__ u32 least_of(u32 least) {
#if __CUDA_ARCH__ >= 900
  return min(least & 0xffffu, least >> 16);
#else
  return least;
#endif
}

// How many |x| are at most a limit, summed in each half of `sum`: exact up to 256 a half, because
// from 9.0 on it is a sum of bf16 ones.
__device__ __forceinline__ u32 line_of(u32 limit) {
#if __CUDA_ARCH__ >= 900
  return limit * 0x10001u;
#else
  return (limit | 0x8000u) * 0x10001u;
#endif
}
__device__ __forceinline__ void tally(u32& sum, u32 word, u32 line) {
#if __CUDA_ARCH__ >= 900
  asm("{.reg .b32 s, t; abs.bf16x2 t, %1; set.le.bf16x2.bf16x2 s, t, %2; add.rn.bf16x2 %0, %0, s;}"
      : "+r"(sum) : "r"(word), "r"(line));
#else
  sum += ((line - (word & 0x7fff7fffu)) & 0x80008000u) >> 15;
#endif
}
__device__ __forceinline__ u32 tallied(u32 sum) {
#if __CUDA_ARCH__ >= 900
  return (u32)(__uint_as_float(sum << 16) + __uint_as_float(sum & 0xffff0000u));
#else
  return (sum & 0xffff) + (sum >> 16);
#endif
}

// What follows reads a row again, by one warp: for the few rows that may matter.

// f(magnitude, channel) for the values of this lane.
template <class F> __device__ __forceinline__ void read_again(const Row& row, F f) {
  #pragma unroll 4
  for (int vector = threadIdx.x & 31; vector < NUM_VECTORS; vector += 32) {
    const uint4 q = load_eight(row, vector);
    int channel = vector * 8;
    each_word(q, [&](u32 word) {
      if (WIDTH % 8 == 0 || channel < WIDTH) f(word & 0x7fffu, channel);
      if (WIDTH % 8 == 0 || channel + 1 < WIDTH) f(word >> 16 & 0x7fffu, channel + 1);
      channel += 2;
    });
  }
}

// How many |x| of a row are at most each limit.
template <int N>
__device__ __forceinline__ void num_up_to(const Row& row, const u32 (&limits)[N], u32 (&counts)[N]) {
  u32 lines[N];
  #pragma unroll
  for (int t = 0; t < N; t++) { lines[t] = line_of(limits[t]); counts[t] = 0; }
  for (int from = threadIdx.x & 31; from < NUM_VECTORS; from += 32 * 32) {
    u32 sums[N] = {};                      // of 128 words at most
    #pragma unroll 4
    for (int vector = from; vector < min(from + 32 * 32, NUM_VECTORS); vector += 32)
      each_word(load_eight(row, vector), [&](u32 word) {
        #pragma unroll
        for (int t = 0; t < N; t++) tally(sums[t], word, lines[t]);
      });
    #pragma unroll
    for (int t = 0; t < N; t++) counts[t] += tallied(sums[t]);
  }
  #pragma unroll
  for (int t = 0; t < N; t++)              // less the zeros that stand past the row's end
    counts[t] = __reduce_add_sync(ALL_LANES, counts[t]) - (NUM_VECTORS * 8 - WIDTH);
}
