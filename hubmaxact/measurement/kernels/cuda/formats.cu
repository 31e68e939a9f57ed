// Errors of formats that need rows whole, of a bf16, fp16 or fp32 tensor: values are taken as bf16.
//
// WARPS of a block share a row, TEAMS rows are in a block at a time. They look for the row's largest
// |x|, and read the row once more, from cache, to round every value in seven ways. A lane has eight
// neighbours at a time, half of the smallest block of channels.
#include "magnitudes.cuh"
#include "careful.cuh"

#define NUM_THREADS (32 * WARPS * TEAMS)
#define NUM_ROUNDS ((NUM_VECTORS + 32 * WARPS - 1) / (32 * WARPS))
#define NUM_COUNTS (NUM_WAYS + 3)          // vanished by way, clipped by MXFP4 and NVFP4, real rows

struct Partial { double err_sq[NUM_WAYS]; u64 counts[NUM_COUNTS]; };  // of a block

struct Arguments {                         // `formats_kernel.py` says the same
  const Stored* x;
  i64 row_stride, value_stride;            // in values
  const i64* token;                        // position of a row; null: the row itself
  const unsigned char* kept;               // by position: real tokens; null: all are
  const float* threshold;                  // the calibration split's largest |x|; zero: none
  Partial* partial;                        // one a block
  u32* num_done;                           // blocks
  u64* num_real;                           // rows, of all launches
  double* err_sq;                          // by way
  u64* numbers;                            // by way: clipped, then vanished
  int num_rows;
};

template <int MOST> __device__ __forceinline__ float max_of_lanes(float x) {
  #pragma unroll
  for (int apart = 1; apart < MOST; apart *= 2) x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, apart));
  return x;
}

template <class F> __device__ __forceinline__ void each_value(const uint4& q, F f) {
  each_word(q, [&](u32 word) {
    f(__uint_as_float(word << 16));
    f(__uint_as_float(word & 0xffff0000u));
  });
}

// Sums by value, so that those of the plain way stay in registers.
__device__ __noinline__ Sums careful_eight(uint4 q, Largest largest, float threshold) {
  Sums sums = {};
  const Tensor tensor = tensor_of(threshold);
  #pragma unroll 1
  for (int j = 0; j < 8; j++) {
    const u32 word = j < 4 ? (j < 2 ? q.x : q.y) : (j < 6 ? q.z : q.w);
    careful_value(__uint_as_float(j % 2 ? word & 0xffff0000u : word << 16), largest, tensor, sums);
  }
  return sums;
}

__device__ __forceinline__ void add_sums(Sums& sums, const Sums& more) {
  #pragma unroll
  for (int way = 0; way < NUM_WAYS; way++) {
    sums.err_sq[way] += more.err_sq[way];
    sums.vanished[way] += more.vanished[way];
  }
  sums.clipped[0] += more.clipped[0];
  sums.clipped[1] += more.clipped[1];
}

// The largest |x| of a row, the same for all of its warps. `partial`: room for them.
__device__ __forceinline__ float largest_of_row(const Row& row, int part, int team, u32* partial) {
  u32 largest = 0;
  #pragma unroll 4
  for (int round = 0; round < NUM_ROUNDS; round++) {
    const int vector = (round * WARPS + part) * 32 + (threadIdx.x & 31);
    largest = max(largest, magnitudes_of(row, vector).largest);
  }
  float found = max_of_lanes<32>(value_of_bf16(largest));
  if (WARPS > 1) {
    if ((threadIdx.x & 31) == 0) *(volatile u32*)(partial + part) = __float_as_uint(found);
    asm volatile("bar.sync %0, %1;" : : "r"(team + 1), "n"(32 * WARPS) : "memory");
    found = max_of_lanes<WARPS>(__uint_as_float(fresh(partial + (threadIdx.x & (WARPS - 1)))));
  }
  return found;
}

// Takes a row whose largest |x| is not zero.
__device__ __forceinline__ void take_row(
    const Row& row, int part, float largest_value, const Tensor& tensor, Sums& sums) {
  const RowScales scales = row_scales(largest_value);
  #pragma unroll 1
  for (int round = 0; round < NUM_ROUNDS; round++) {
    const int vector = (round * WARPS + part) * 32 + (threadIdx.x & 31);
    const Magnitudes eight = magnitudes_of(row, vector);
    Largest largest;
    largest.of_row = largest_value;
    largest.of_16 = max_of_lanes<2>(value_of_bf16(eight.largest));
    largest.of_32 = fmaxf(largest.of_16, __shfl_xor_sync(ALL_LANES, largest.of_16, 2));
    largest.of_128 = fmaxf(largest.of_32, __shfl_xor_sync(ALL_LANES, largest.of_32, 4));
    largest.of_128 = fmaxf(largest.of_128, __shfl_xor_sync(ALL_LANES, largest.of_128, 8));
    const bool is_plain = (largest.of_16 >= LEAST_PLAIN || largest.of_16 == 0) &&
                          largest_value < MOST_PLAIN && (tensor.is_plain || !(tensor.threshold > 0));
    if (!__all_sync(ALL_LANES, is_plain)) {
      add_sums(sums, careful_eight(eight.q, largest, tensor.threshold));
      continue;
    }
    const BlockScales block = block_scales(largest, tensor);
    each_value(eight.q, [&](float x) { take_value(x, scales, block, sums); });
    if (value_of_bf16(eight.least) <= scales.rare)
      each_value(eight.q, [&](float x) { take_small(x, scales, block, sums); });
  }
}

template <class T> __device__ __forceinline__ T sum_of_lanes(T mine) {
  #pragma unroll
  for (int apart = 16; apart; apart /= 2) mine += __shfl_xor_sync(ALL_LANES, mine, apart);
  return mine;
}

// Sums of a block, always in the same order.
__device__ __forceinline__ void give_partial(const Sums& sums, u32 num_rows, Partial* out) {
  __shared__ Partial of_warps[WARPS * TEAMS];
  Partial& mine = of_warps[threadIdx.x >> 5];
  #pragma unroll
  for (int way = 0; way < NUM_WAYS; way++) {
    const double err_sq = sum_of_lanes(sums.err_sq[way]);
    const u64 vanished = sum_of_lanes((u64)sums.vanished[way]);
    const u64 clipped = way < MXFP4 ? 0 : sum_of_lanes((u64)sums.clipped[way - MXFP4 & 1]);
    if ((threadIdx.x & 31) != 0) continue;
    mine.err_sq[way] = err_sq;
    mine.counts[way] = vanished;
    if (way >= MXFP4) mine.counts[NUM_WAYS + way - MXFP4] = clipped;
    mine.counts[NUM_COUNTS - 1] = num_rows;
  }
  __syncthreads();
  const int way = threadIdx.x;
  if (way < NUM_WAYS) {
    double sum = 0;
    for (int warp = 0; warp < WARPS * TEAMS; warp++) sum += of_warps[warp].err_sq[way];
    out->err_sq[way] = sum;
  }
  if (way < NUM_COUNTS) {
    u64 count = 0;
    for (int warp = 0; warp < WARPS * TEAMS; warp++) count += of_warps[warp].counts[way];
    out->counts[way] = count;
  }
}

// The last block of a launch adds up all of them. A way that has no threshold has no errors.
__device__ __forceinline__ void give_total(const Arguments& a, bool has_threshold) {
  __shared__ bool is_last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) is_last = atomicAdd(a.num_done, 1u) == gridDim.x - 1;
  __syncthreads();
  const int way = threadIdx.x >> 5;
  if (!is_last || way >= NUM_WAYS) return;
  __threadfence();
  const bool counts = way != NVFP4 || has_threshold;
  double err_sq = 0;
  u64 vanished = 0, clipped = 0, num_rows = 0;
  for (int block = threadIdx.x & 31; counts && block < gridDim.x; block += 32) {
    err_sq += fresh(a.partial[block].err_sq + way);
    vanished += fresh(a.partial[block].counts + way);
    if (way >= MXFP4) clipped += fresh(a.partial[block].counts + NUM_WAYS + way - MXFP4);
  }
  for (int block = threadIdx.x & 31; way == 0 && block < gridDim.x; block += 32)
    num_rows += fresh(a.partial[block].counts + NUM_COUNTS - 1);
  err_sq = sum_of_lanes(err_sq);
  vanished = sum_of_lanes(vanished);
  clipped = sum_of_lanes(clipped);
  num_rows = sum_of_lanes(num_rows);
  if ((threadIdx.x & 31) != 0) return;
  a.err_sq[way] = err_sq;
  a.numbers[way] = clipped;
  a.numbers[NUM_WAYS + way] = vanished;
  if (way != 0) return;
  *a.num_done = 0;
  *a.num_real += num_rows;
}

extern "C" __global__ void __launch_bounds__(NUM_THREADS, 1) fold(const __grid_constant__ Arguments a) {
  __shared__ u32 partial[TEAMS][2][WARPS];
  const int warp = threadIdx.x >> 5, team = warp / WARPS, part = warp % WARPS;
  const float threshold = *a.threshold;
  const Tensor tensor = tensor_of(threshold > 0 ? threshold : 1.0f);
  Sums sums = {};
  u32 turn = 0, num_rows = 0;              // of this warp
  for (int i = blockIdx.x * TEAMS + team; i < a.num_rows; i += gridDim.x * TEAMS) {
    if (a.kept && !a.kept[a.token ? a.token[i] : i]) continue;
    num_rows += part == 0;
    const Row row = {a.x + i * a.row_stride, a.value_stride};
    const float largest = largest_of_row(row, part, team, partial[team][turn]);
    turn ^= 1;
    if (largest > 0) take_row(row, part, largest, tensor, sums);
  }
  give_partial(sums, num_rows, a.partial + blockIdx.x);
  give_total(a, threshold > 0);
}
