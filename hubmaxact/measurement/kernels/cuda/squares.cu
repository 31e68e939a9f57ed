// The sum of x^2 of each channel by expert, over rows that were sorted by the experts they reach.
//
// A warp has one expert and PIECE channels of it, and adds its rows up in their order, in float32.
// What it finds is rounded to a multiple of 2^-44 and added as integers, as `channel_squares.py` does.
// TEAMS: warps of a block.
#include "row.cuh"

#define PER_LANE 4
#define PIECE (32 * PER_LANE)
#define NUM_PIECES ((WIDTH + PIECE - 1) / PIECE)

struct Arguments {                         // `squares_kernel.py` says the same
  const Stored* x;
  i64 row_stride, value_stride;            // in values
  const i64* order;                        // places among all choices, expert by expert
  const i64* begin;                        // where those of each expert begin, and the last ones end
  i64* sums;                               // in 2^-4, then in 2^-44: by expert and channel
  i64* reached;                            // rows by expert
  int num_rows, num_chosen, num_experts;   // pieces of all experts; choices of a row
};

__device__ __forceinline__ void add(const Arguments& a, int expert, int channel, float found) {
  const double most = 1125899906842624.0;  // 2^50
  const double sum = found <= most ? found : most;
  const i64 high = (i64)(sum * 16.0);
  const double low = sum * 17592186044416.0 - (double)high * 1099511627776.0;
  i64* to = a.sums + (i64)expert * WIDTH + channel;
  to[0] = min(to[0] + high, 1ll << 54);    // what is not known stays so
  to[(i64)a.num_experts * WIDTH] += __double2ll_rn(low);
}

extern "C" __global__ void __launch_bounds__(32 * TEAMS, 1) fold(const __grid_constant__ Arguments a) {
  const int lane = threadIdx.x & 31;
  for (int i = blockIdx.x * TEAMS + (threadIdx.x >> 5); i < a.num_rows; i += gridDim.x * TEAMS) {
    const int expert = i / NUM_PIECES, first = i % NUM_PIECES * PIECE + lane;
    const i64 begin = a.begin[expert], end = a.begin[expert + 1];
    float sum[PER_LANE] = {};
    #pragma unroll 4
    for (i64 place = begin; place < end; place++) {
      const Stored* row = a.x + (i64)((int)a.order[place] / a.num_chosen) * a.row_stride;
      #pragma unroll
      for (int j = 0; j < PER_LANE; j++) {
        if (first + 32 * j >= WIDTH) continue;
        const float x = __uint_as_float(widened(row[(first + 32 * j) * a.value_stride]));
        sum[j] = __fadd_rn(sum[j], __fmul_rn(x, x));
      }
    }
    #pragma unroll
    for (int j = 0; j < PER_LANE; j++)
      if (first + 32 * j < WIDTH) add(a, expert, first + 32 * j, sum[j]);
    if (first == 0) a.reached[expert] += end - begin;
  }
}
