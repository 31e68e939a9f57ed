// Every statistic of a site from one read of its bf16 tensor, exactly.
//
// One block of up to 32 warps on each multiprocessor; WARPS of them hold a row in registers, at
// most 64 values a lane: they count its values, agree on its maximum, and count once more how many
// are small enough for the row to matter. The few rows that do are read again.
// TEAMS: rows that a block holds at a time. PER_LANE: vectors of eight values in a lane.
#include "counts.cuh"
#include "groups.cuh"
#include "massive.cuh"
#include "top.cuh"

#define NUM_THREADS (32 * WARPS * TEAMS)
#define PADS (WARPS * 32 * PER_LANE * 8 - WIDTH)  // zeros that stand where a lane has no values

struct Place { int row, position, group; };  // row -1: to be left out

__device__ __forceinline__ Place place_of(const Arguments& a, int row) {
  const int position = a.token ? (int)a.token[row] : row;
  const bool kept = !a.kept || a.kept[position];
  int group = a.group ? (int)a.group[a.group_by_row ? row : position] : -1;
  if (group >= a.num_groups) group = -1;
  return {kept ? row : -1, position, group};
}

// Keeps the compiler from carrying what it derived over to the next pass, in registers it lacks.
__device__ __forceinline__ void forget(uint4 (&q)[PER_LANE]) {
  #pragma unroll
  for (int v = 0; v < PER_LANE; v++)
    asm volatile("" : "+r"(q[v].x), "+r"(q[v].y), "+r"(q[v].z), "+r"(q[v].w));
}

extern "C" __global__ void __launch_bounds__(NUM_THREADS, 1) fold(const __grid_constant__ Arguments a) {
  extern __shared__ __align__(16) u32 bins[];          // HALF of each sign
  __shared__ u32 partial[TEAMS][2][WARPS], counted[TEAMS][2], held, num_strays, last;
  __shared__ List list;
  __shared__ u64 known[NUM_KNOWN];         // of some groups; 0: none
  __shared__ __align__(8) int gate[2];     // |pattern| that a row must reach; 1 / ratio, float bits
  __shared__ u32 first_bin;

  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, team = warp / WARPS, part = warp % WARPS;
  // A block's rows are neighbours, so that few groups meet in one block.
  const int begin = (int)((i64)a.num_rows * blockIdx.x / gridDim.x);
  const int end = (int)((i64)a.num_rows * (blockIdx.x + 1) / gridDim.x);
  int i = begin + team;
  Place next = {-1, -1, -1};
  if (i < end) next = place_of(a, i);
  if (threadIdx.x < sizeof(List) / 8)
    ((u64*)&list)[threadIdx.x] = ((const u64*)(a.lists + blockIdx.x))[threadIdx.x];
  if (threadIdx.x == 0) {
    held = num_strays = 0;
    first_bin = a.site->window;
    gate[0] = (int)(fresh(&a.site->floor) >> ORDER_BITS);
    gate[1] = __float_as_int(inverse_of(fresh(&a.site->ratio)));
  }
  for (int k = threadIdx.x; k < NUM_BINS / 4; k += NUM_THREADS) ((uint4*)bins)[k] = make_uint4(0, 0, 0, 0);
  for (int k = threadIdx.x; k < NUM_KNOWN; k += NUM_THREADS) known[k] = 0;
  if (threadIdx.x < TEAMS * 2) (&counted[0][0])[threadIdx.x] = 0;
  for (int k = threadIdx.x; k < TEAMS * 2 * WARPS; k += NUM_THREADS) (&partial[0][0][0])[k] = 0;
  __syncthreads();
  const u32 window = first_bin;
  if (lane == 0 && next.row >= 0 && next.group >= 0) remember_group(a, next.group, known);

  for (u32 tag = 0; i < end;) {
    const Place now = next;
    i += TEAMS;
    if (i < end) next = place_of(a, i);
    if (now.row < 0) continue;
    tag ^= 1;
    const Row row = {a.x + now.row * a.row_stride, a.value_stride};
    uint4 q[PER_LANE];
    #pragma unroll
    for (int v = 0; v < PER_LANE; v++) {
      const int vector = (v * WARPS + part) * 32 + lane;
      q[v] = make_uint4(0, 0, 0, 0);
      if ((v + 1) * WARPS * 32 <= NUM_VECTORS || vector < NUM_VECTORS) q[v] = load_eight<true>(row, vector);
    }

    u32 largest_two = 0, least_two = ALL_LANES;
    auto count = [&](u32 word, int num) {
      const u32 magnitudes = word & 0x7fff7fffu;
      largest_two = max_of_halves(largest_two, magnitudes);
      least_two = lower(least_two, magnitudes);
      const u32 c = bins_of(word, magnitudes, window);
      atomicAdd(bins + (c & 0xffffu), 1u);
      if (num > 1) atomicAdd((u32*)((char*)bins + (c >> 14)), 1u);  // the lower half's top bits are 0
    };
    #pragma unroll
    for (int v = 0; v < PER_LANE; v++) {
      const int vector = (v * WARPS + part) * 32 + lane;
      if ((v + 1) * WARPS * 32 <= NUM_WHOLE || vector < NUM_WHOLE) {
        each_word(q[v], [&](u32 word) { count(word, 2); });
      } else if (WIDTH % 8 && vector == NUM_WHOLE) {
        int left = WIDTH % 8;
        each_word(q[v], [&](u32 word) {
          if (left > 0) count(word, left);
          left -= 2;
        });
      }
    }
    const u32 mine = max(largest_two & 0xffff, largest_two >> 16);
    const bool strays = least_of(least_two) < window - 1 || mine >= window + HALF - 1;
    if (__any_sync(ALL_LANES, strays))
      count_strays(a, row, part * 32 + lane, WARPS * 32, window, bins, &num_strays);
    u32 row_max = __reduce_max_sync(ALL_LANES, mine);
    forget(q);
    if (WARPS > 1) {
      if (lane == 0) *(volatile u32*)&partial[team][tag][part] = row_max;
      asm volatile("bar.sync %0, %1;" : : "r"(team + 1), "n"(32 * WARPS) : "memory");
      row_max = __reduce_max_sync(ALL_LANES, lane < WARPS ? fresh(&partial[team][tag][lane]) : 0);
    }
    const u64 gates = fresh((const u64*)gate);
    const u32 line = line_of(gate_of(__uint_as_float(row_max << 16), __uint_as_float((u32)(gates >> 32))));
    u32 sum = 0;
    #pragma unroll
    for (int v = 0; v < PER_LANE; v++) each_word(q[v], [&](u32 word) { tally(sum, word, line); });
    u32 num_small = __reduce_add_sync(ALL_LANES, tallied(sum));
    if (WARPS > 1) {                       // the warp that comes last decides about the row
      u32 before = 0;
      if (lane == 0) before = atomicAdd(&counted[team][tag], num_small + (1u << 24));
      before = __shfl_sync(ALL_LANES, before, 0);
      if (before >> 24 != WARPS - 1) continue;
      num_small += before & 0xffffff;
      if (lane == 0) *(volatile u32*)&counted[team][tag] = 0;
      __threadfence_block();
    }

    const int finite = row_max < INFINITE ? (int)row_max : finite_max(row);
    if (lane == 0 && now.group >= 0 && finite >= 0) offer_group(a, now.group, finite, known);
    if (finite >= (int)(u32)gates) offer_top(a, row, now.position, finite, &list, &held, gate);
    if (row_max > 0 && row_max < INFINITE && num_small > MEDIAN_RANK + PADS)
      offer_ratio(a.site, row, row_max, blockIdx.x % 16 == 0 && threadIdx.x < 32 * WARPS, gate + 1);
  }

  __syncthreads();
  add_bins(a, bins, window);
  if (threadIdx.x < sizeof(List) / 8)
    ((u64*)(a.lists + blockIdx.x))[threadIdx.x] = ((const u64*)&list)[threadIdx.x];
  if (threadIdx.x == 0 && num_strays) atomicAdd(&a.site->num_strays, num_strays);

  // The last block of a launch moves the window where the counts are: after launches 1, 2, 4, ...
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicAdd(&a.site->num_done, 1u) == gridDim.x - 1;
  __syncthreads();
  if (!last) return;
  const u32 launch = a.site->num_launches + 1;
  const bool moves = fresh(&a.site->num_strays) && (launch & (launch - 1)) == 0;
  const u32 moved = moves ? best_window(a.counts, (u64*)bins) : window;
  __syncthreads();                         // everybody has read the site
  if (threadIdx.x == 0) {
    a.site->num_done = 0;
    a.site->num_launches = launch;
    a.site->window = moved;
    if (moves) a.site->num_strays = 0;
  }
}
