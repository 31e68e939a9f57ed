// Every statistic of a site from one read of its bf16 tensor, exactly.
//
// One block of up to 32 warps on each multiprocessor; WARPS of them hold a row in registers, at
// most 64 values a lane: they count its values, agree on its maximum, and count once more how many
// are small enough for the row to matter. The few rows that do are read again. What linear maps read
// tells no massive rows: its blocks and channels are counted instead.
// TEAMS: rows that a block holds at a time. PER_LANE: vectors of eight values in a lane.
#include "massive.cuh"
#include "top.cuh"
#include "block.cuh"

#define NUM_THREADS (32 * WARPS * TEAMS)
#define PADS (WARPS * 32 * PER_LANE * 8 - WIDTH)  // zeros that stand where a lane has no values

// Keeps the compiler from carrying what it derived over to the next pass, in registers it lacks.
__device__ __forceinline__ void forget(uint4 (&q)[PER_LANE]) {
  #pragma unroll
  for (int v = 0; v < PER_LANE; v++)
    asm volatile("" : "+r"(q[v].x), "+r"(q[v].y), "+r"(q[v].z), "+r"(q[v].w));
}

#if LINEAR_INPUT
#define NUM_PAIRS ((PER_LANE + 1) / 2)

// What a lane knows of its own channels over all rows that are finite.
struct Channels {
  uint4 largest[PER_LANE];                 // magnitudes
  bool any;
};

// The largest magnitude of eight values, in two halves.
__device__ __forceinline__ u32 largest_of(const uint4& q) {
  return max_of_halves(max_of_halves(q.x & 0x7fff7fffu, q.y & 0x7fff7fffu),
                       max_of_halves(q.z & 0x7fff7fffu, q.w & 0x7fff7fffu));
}

// Raises the maxima of a lane's channels.
__device__ __forceinline__ void take_channels(const uint4 (&q)[PER_LANE], Channels& channels) {
  channels.any = true;
  #pragma unroll
  for (int v = 0; v < PER_LANE; v++) {
    uint4& largest = channels.largest[v];
    largest.x = max_of_halves(largest.x, q[v].x & 0x7fff7fffu);
    largest.y = max_of_halves(largest.y, q[v].y & 0x7fff7fffu);
    largest.z = max_of_halves(largest.z, q[v].z & 0x7fff7fffu);
    largest.w = max_of_halves(largest.w, q[v].w & 0x7fff7fffu);
  }
}

// Counts the blocks of a row that is finite. The maxima of two vectors of a lane go together in the
// halves of a word; lanes of a block take turns with its vectors.
__device__ __forceinline__ void take_blocks(
    const Arguments& a, const uint4 (&q)[PER_LANE], int part, u32 window, u32* bins) {
  const int lane = threadIdx.x & 31;
  u32 two[NUM_PAIRS];
  #pragma unroll
  for (int p = 0; p < NUM_PAIRS; p++) {
    const u32 first = largest_of(q[2 * p]), second = 2 * p + 1 < PER_LANE ? largest_of(q[2 * p + 1]) : 0;
    two[p] = max_of_halves(__byte_perm(first, second, 0x5410), __byte_perm(first, second, 0x7632));
  }
  auto count = [&](int size, int num_lanes, int v, u32 pair) {
    const int vector = (v * WARPS + part) * 32 + (lane & -num_lanes);
    if (v < PER_LANE && ((PER_LANE * WARPS * 32 <= NUM_VECTORS) || vector < NUM_VECTORS))
      count_block(a, size, v & 1 ? pair >> 16 : pair & 0xffffu, window, bins);
  };
  #pragma unroll
  for (int p = 0; p < NUM_PAIRS; p++) {
    two[p] = max_of_halves(two[p], __shfl_xor_sync(ALL_LANES, two[p], 1));
    count(0, 2, 2 * p + (lane & 1), two[p]);
    two[p] = max_of_halves(two[p], __shfl_xor_sync(ALL_LANES, two[p], 2));
  }
  const int v = lane & 3;
  count(1, 4, v, v < 2 ? two[0] : two[NUM_PAIRS - 1]);
  #pragma unroll
  for (int p = 0; p < NUM_PAIRS; p++) {
    two[p] = max_of_halves(two[p], __shfl_xor_sync(ALL_LANES, two[p], 4));
    two[p] = max_of_halves(two[p], __shfl_xor_sync(ALL_LANES, two[p], 8));
  }
  if ((lane & 15) < 4) count(2, 16, v, v < 2 ? two[0] : two[NUM_PAIRS - 1]);
}

// The same of a row with values that are not finite, which are left out; few rows are such.
__device__ __noinline__ void take_odd_row(const Arguments& a, const Row& row, int part, u32 window, u32* bins) {
  #pragma unroll 1
  for (int v = 0; v < PER_LANE; v++) {
    const int vector = (v * WARPS + part) * 32 + (threadIdx.x & 31);
    int channel = vector * 8;
    u32 level = 0;
    if (vector < NUM_VECTORS)
      each_word(load_eight(row, vector), [&](u32 word) {
        #pragma unroll
        for (int half = 0; half < 2; half++, channel++) {
          const u32 magnitude = word >> 16 * half & 0x7fffu;
          if (channel >= WIDTH || magnitude >= INFINITE) continue;
          level = max(level, magnitude + 1);
          raise_channel(a, channel, fresh(a.channel_max + channel), magnitude << SHIFT);
        }
      });
    count_blocks(a, level, window, bins, [](u32 above) { return above - 1; });
  }
}

// Brings what all teams know together, one team after another, then to the site. `room`: 16 bits for
// each channel.
__device__ __forceinline__ void give_channels(
    const Arguments& a, const Channels& channels, int team, int part, u32* room) {
  const int lane = threadIdx.x & 31;
  const u32 one = channels.any ? 0x10001u : 0;
  for (int turn = 0; turn < TEAMS; turn++) {
    __syncthreads();
    #pragma unroll
    for (int v = 0; v < PER_LANE; v++) {
      const int vector = (v * WARPS + part) * 32 + lane;
      if (team != turn || vector >= NUM_VECTORS) continue;
      uint4* kept = (uint4*)room + vector;
      const uint4 before = turn ? *kept : make_uint4(0, 0, 0, 0), mine = channels.largest[v];
      *kept = make_uint4(max_of_halves(before.x, mine.x + one), max_of_halves(before.y, mine.y + one),
                         max_of_halves(before.z, mine.z + one), max_of_halves(before.w, mine.w + one));
    }
  }
  __syncthreads();
  for (int channel = threadIdx.x; channel < WIDTH; channel += blockDim.x) {
    const u32 level = ((const u16*)room)[channel];
    if (level) raise_channel(a, channel, fresh(a.channel_max + channel), level - 1 << SHIFT);
  }
}
#endif

extern "C" __global__ void __launch_bounds__(NUM_THREADS, 1) fold(const __grid_constant__ Arguments a) {
  extern __shared__ __align__(16) u32 bins[];          // HALF of each sign
  __shared__ u32 partial[TEAMS][2][WARPS];
#if !LINEAR_INPUT
  __shared__ u32 counted[TEAMS][2];
#endif
  __shared__ Block block;

  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, team = warp / WARPS, part = warp % WARPS;
  const int end = first_row(a, blockIdx.x + 1);
  int i = first_row(a, blockIdx.x) + team;
  Place next = {-1, -1, -1};
  if (i < end) next = place_of(a, i);
#if !LINEAR_INPUT
  if (threadIdx.x < TEAMS * 2) (&counted[0][0])[threadIdx.x] = 0;
#endif
  for (int k = threadIdx.x; k < TEAMS * 2 * WARPS; k += NUM_THREADS) (&partial[0][0][0])[k] = 0;
  const u32 window = begin_block(a, block, bins, next);
#if LINEAR_INPUT
  Channels channels = {};
#endif

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
      count_strays(a, row, part * 32 + lane, WARPS * 32, window, bins, &block.num_strays);
    u32 row_max = __reduce_max_sync(ALL_LANES, mine);
    forget(q);
    if (WARPS > 1) {
      if (lane == 0) *(volatile u32*)&partial[team][tag][part] = row_max;
      asm volatile("bar.sync %0, %1;" : : "r"(team + 1), "n"(32 * WARPS) : "memory");
      row_max = __reduce_max_sync(ALL_LANES, lane < WARPS ? fresh(&partial[team][tag][lane]) : 0);
    }
#if LINEAR_INPUT
    if (row_max < INFINITE) {
      take_channels(q, channels);
      take_blocks(a, q, part, block.first_block_bin, bins + NUM_BINS);
    } else {
      take_odd_row(a, row, part, block.first_block_bin, bins + NUM_BINS);
    }
    if (part) continue;                    // the first warp decides about the row
#endif
    const u64 gates = fresh((const u64*)block.gate);
#if !LINEAR_INPUT
    const u32 line = line_of(gate_of(value_of(row_max), __uint_as_float((u32)(gates >> 32))));
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
#endif

    const int finite = row_max < INFINITE ? (int)row_max : finite_max(row);
    if (lane == 0 && now.group >= 0 && finite >= 0) offer_group(a, now.group, finite, block.known);
    if (lane == 0) count_beyond(finite, block.beyond);
    if (finite >= (int)(u32)gates) offer_top(a, row, now.position, finite, block);
#if !LINEAR_INPUT
    if (row_max > 0 && row_max < INFINITE && num_small > MEDIAN_RANK + PADS)
      offer_ratio(a.site, row, row_max, blockIdx.x % 16 == 0 && threadIdx.x < 32 * WARPS, block.gate + 1);
#endif
  }
  give_block(a, block, bins, window);
#if LINEAR_INPUT
  give_channels(a, channels, team, part, bins);
#endif
  move_windows(a, block, bins, window);
}
