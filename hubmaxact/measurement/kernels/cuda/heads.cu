// The largest squared norms over the tokens of a tensor of heads: of whole heads, or of pairs of their
// channels that rotate together.
//
// A warp keeps to one head. LANES of it share a token's channels, eight neighbours a lane; the
// others have other tokens. PAIRED: 0 whole heads; 1 the pairs (p, p + CHANNELS / 2); 2 the pairs
// (2p, 2p + 1), of the first CHANNELS both. TEAMS: warps of a block.
#include "row.cuh"

#define TOKENS (32 / LANES)                // of a warp at a time
#define INFINITY_BITS 0x7f800000

struct Arguments {                         // `maxima_kernels.py` says the same
  const Stored* x;
  i64 sequence_stride, head_stride, token_stride, value_stride;  // in values
  const unsigned char* kept;               // by sequence and token: those that count; null: all do
  int* largest;                            // by head, or by head and pair; float bits, from 0
  int num_rows, num_heads, num_tokens, length;  // rows: a head of a token each; tokens of all sequences
};

__device__ __forceinline__ void raise(int* largest, float square) {
  const int bits = __float_as_int(square);
  if (fresh(largest) < bits) atomicMax(largest, bits);
}

#if !PAIRED
#define NUM_ROUNDS ((NUM_VECTORS + LANES - 1) / LANES)

// Of eight neighbours, zeros past the end.
__device__ __forceinline__ float sum_of_squares(const Row& row, int vector) {
  float sum = 0;
#if FORMAT == 0
  each_word(load_eight<true>(row, vector), [&](u32 word) {
    const float low = __uint_as_float(word << 16), high = __uint_as_float(word & 0xffff0000u);
    sum = fmaf(low, low, fmaf(high, high, sum));
  });
#else
  u32 bits[8];
  load_eight(row, vector, bits);
  #pragma unroll
  for (int j = 0; j < 8; j++) sum = fmaf(__uint_as_float(bits[j]), __uint_as_float(bits[j]), sum);
#endif
  return sum;
}

struct Largest {
  float square = 0;

  __device__ __forceinline__ void take(const Row& row, int place, bool counts) {
    float sum = 0;
    #pragma unroll
    for (int round = 0; round < NUM_ROUNDS; round++) {
      const int vector = round * LANES + place;
      if (NUM_VECTORS % LANES == 0 || vector < NUM_VECTORS) sum += sum_of_squares(row, vector);
    }
    #pragma unroll
    for (int apart = 1; apart < LANES; apart *= 2) sum += __shfl_xor_sync(ALL_LANES, sum, apart);
    if (sum != sum) sum = __int_as_float(INFINITY_BITS);
    if (counts) square = fmaxf(square, sum);
  }

  __device__ __forceinline__ void give(int* largest, int head, int place) {
    if (place == 0) raise(largest + head, square);
  }
};
#else
#define NUM_PAIRS (CHANNELS / 2)
#define NUM_ROUNDS ((NUM_PAIRS + LANES - 1) / LANES)

// Zero for what is not finite.
__device__ __forceinline__ float finite_value(const Row& row, int channel) {
  const u32 bits = widened(row.values[channel * row.stride]);
  return (bits & 0x7fffffffu) < INFINITY_BITS ? __uint_as_float(bits) : 0.0f;
}

struct Largest {
  float squares[NUM_ROUNDS] = {};

  __device__ __forceinline__ void take(const Row& row, int place, bool counts) {
    #pragma unroll
    for (int round = 0; round < NUM_ROUNDS; round++) {
      const int pair = round * LANES + place;
      if (NUM_PAIRS % LANES && pair >= NUM_PAIRS) continue;
      const float first = finite_value(row, PAIRED == 1 ? pair : 2 * pair);
      const float second = finite_value(row, PAIRED == 1 ? pair + NUM_PAIRS : 2 * pair + 1);
      const float sum = __fadd_rn(__fmul_rn(first, first), __fmul_rn(second, second));
      if (counts) squares[round] = fmaxf(squares[round], sum);
    }
  }

  __device__ __forceinline__ void give(int* largest, int head, int place) {
    #pragma unroll
    for (int round = 0; round < NUM_ROUNDS; round++) {
      const int pair = round * LANES + place;
      if (NUM_PAIRS % LANES && pair >= NUM_PAIRS) continue;
      raise(largest + (i64)head * NUM_PAIRS + pair, squares[round]);
    }
  }
};
#endif

__device__ __forceinline__ Row row_of(const Arguments& a, int head, int token) {
  const i64 sequence = token / a.length, place = token % a.length;
  return {a.x + sequence * a.sequence_stride + head * a.head_stride + place * a.token_stride, a.value_stride};
}

extern "C" __global__ void __launch_bounds__(32 * TEAMS, 1) fold(const __grid_constant__ Arguments a) {
  const int lane = threadIdx.x & 31, place = lane % LANES;
  const int warp = blockIdx.x * TEAMS + (threadIdx.x >> 5), num_warps = gridDim.x * TEAMS;
  const int parts = max(1, num_warps / a.num_heads);  // of the tokens
  for (int task = warp; task < a.num_heads * parts; task += num_warps) {
    const int head = task % a.num_heads, step = parts * TOKENS;
    Largest largest;
    #pragma unroll 4
    for (int from = task / a.num_heads * TOKENS; from < a.num_tokens; from += step) {
      const int token = from + lane / LANES, there = min(token, a.num_tokens - 1);
      const bool counts = token < a.num_tokens && (!a.kept || a.kept[there]);
      largest.take(row_of(a, head, there), place, counts);
    }
    largest.give(a.largest, head, place);
  }
}
