// The largest finite |x| that each expert is given, by the rows of tokens that are routed to it.
//
// A warp reads a row; its lanes then have one of the token's experts each. TEAMS: warps of a block.
#include "row.cuh"

struct Arguments {                         // `maxima_kernels.py` says the same
  const Stored* x;
  i64 row_stride, value_stride;            // in values
  const i64* chosen;                       // experts of each row
  const unsigned char* kept;               // by row: those that count; null: all do
  int* largest;                            // by expert, float bits, from -1.0
  int num_rows, num_chosen, num_experts;   // chosen by a row
};

extern "C" __global__ void __launch_bounds__(32 * TEAMS, 1) fold(const __grid_constant__ Arguments a) {
  const int lane = threadIdx.x & 31;
  for (int i = blockIdx.x * TEAMS + (threadIdx.x >> 5); i < a.num_rows; i += gridDim.x * TEAMS) {
    if (a.kept && !a.kept[i]) continue;
    const int finite = finite_max({a.x + i * a.row_stride, a.value_stride});
    if (finite < 0) continue;
    const int bits = finite << SHIFT;      // as float32; -1.0 is below all of them
    for (int j = lane; j < a.num_chosen; j += 32) {
      const i64 expert = a.chosen[(i64)i * a.num_chosen + j];
      if (expert < 0 || expert >= a.num_experts) continue;
      if (fresh(a.largest + expert) < bits) atomicMax(a.largest + expert, bits);
    }
  }
}
