// The largest values of a site, distinct in (token id, channel), totally ordered.
//
// Each block keeps its own best; a value among the best of all is among the best of its block. The
// largest of the blocks' last ranks is a floor for everybody.
#pragma once
#include "site.cuh"

#define ORDER_BITS 48                      // sample, then position in it, 24 bits each
#define LAST_ORDER ((1ull << ORDER_BITS) - 1)
#define ORDER_CUT (SHIFT < 15 ? 15 - SHIFT : 0)  // bits of an order that a rank has no room for
#define RANK_BITS (ORDER_BITS - ORDER_CUT)

// Magnitude first; of equal ones the earlier sample, then the earlier position, as far as there is
// room: what has a lower rank is behind.
__device__ __forceinline__ u64 rank_of(u32 magnitude, u64 order) {
  return (u64)magnitude << RANK_BITS | order >> ORDER_CUT;
}
__device__ __forceinline__ u32 magnitude_of(u64 rank) { return (u32)(rank >> RANK_BITS); }
__device__ __forceinline__ u32 magnitude_of(const Entry& entry) { return (entry.bits & 0x7fffffffu) >> SHIFT; }

__device__ __forceinline__ u64 max_of_lanes(u64 key) {
  const u32 high = __reduce_max_sync(ALL_LANES, (u32)(key >> 32));
  return (u64)high << 32 | __reduce_max_sync(ALL_LANES, (u32)(key >> 32) == high ? (u32)key : 0);
}

// The row's best: lane j gets the j-th, magnitude then the lowest channel. Returns their number.
__device__ __forceinline__ int best_of_row(const Row& row, u64 order, u64 floor, u64& mine) {
  u64 last = ~0ull;
  int found = 0;
  for (; found < NUM_TOP; found++) {
    u64 best = 0;
    read_again(row, [&](u32 magnitude, int channel) {
      const u64 key = (u64)magnitude << 16 | (0xffff - channel);
      if (magnitude < INFINITE && key < last) best = max(best, key);
    });
    best = max_of_lanes(best);
    if (best == 0 || rank_of((u32)(best >> 16), order) < floor) break;
    if ((threadIdx.x & 31) == found) mine = best;
    last = best;
  }
  return found;
}

// Whether an entry precedes another.
__device__ __forceinline__ bool precedes(const Entry& entry, const Entry& other) {
  const u32 magnitude = magnitude_of(entry), others = magnitude_of(other);
  if (magnitude != others) return magnitude > others;
  if (entry.order != other.order) return entry.order > other.order;
  if (entry.channel != other.channel) return entry.channel < other.channel;
  return entry.bits >= other.bits;         // the sign bit: negative first
}

// Puts one value into the sorted list that the lanes hold, one entry each. The same for all lanes
// but `entry`. Returns whether later, smaller values of the row may still have a place.
__device__ __forceinline__ bool insert(Entry& entry, int& num, const Entry& offered) {
  const int lane = threadIdx.x & 31;
  const bool taken = lane < num;
  const u32 before = __ballot_sync(ALL_LANES, taken && precedes(entry, offered));
  const u32 same = __ballot_sync(
      ALL_LANES, taken && entry.channel == offered.channel && entry.token_id == offered.token_id);
  if (before & same) return true;          // this token id has a better one in this channel
  const int place = __popc(before);
  if (place == NUM_TOP) return false;
  const int until = same ? __ffs(same) - 1 : min(num, NUM_TOP - 1);
  const u64 order = __shfl_up_sync(ALL_LANES, entry.order, 1);
  const u32 bits = __shfl_up_sync(ALL_LANES, entry.bits, 1);
  const int channel = __shfl_up_sync(ALL_LANES, entry.channel, 1);
  const int token_id = __shfl_up_sync(ALL_LANES, entry.token_id, 1);
  if (lane > place && lane <= until) entry = {order, bits, channel, token_id, 0};
  if (lane == place) entry = offered;
  if (!same && num < NUM_TOP) num++;
  return true;
}

__device__ __forceinline__ void lock(u32* held) {
  if ((threadIdx.x & 31) == 0)
    for (u32 tries = 0; atomicCAS(held, 0u, 1u); tries++) {
      __nanosleep(50);
      if (tries > 1u << 24) __trap();
    }
  __syncwarp();
  __threadfence_block();
}

// Takes a row that may hold one of the best values.
__device__ __noinline__ void offer_top(
    const Arguments& a, const Row& row, int position, u32 row_max, Block& block) {
  List* list = &block.list;
  const int lane = threadIdx.x & 31;
  const u64 sample = a.columns[position], in_sample = a.columns[a.num_positions + position];
  const int token_id = (int)a.columns[2 * a.num_positions + position];
  const u64 order = LAST_ORDER - (sample << 24 | in_sample);
  const u64 floor = __shfl_sync(ALL_LANES, fresh(&a.site->floor), 0);
  if (lane == 0) atomicMax(block.gate, (int)magnitude_of(floor));
  if (rank_of(row_max, order) < floor) return;
  u64 mine = 0;
  const int found = best_of_row(row, order, floor, mine);

  lock(&block.held);
  int num = fresh(&list->num);
  Entry entry = {0, 0, 0, 0, 0};
  if (lane < num) {
    const Entry* kept = list->top + lane;
    entry = {fresh(&kept->order), fresh(&kept->bits), fresh(&kept->channel), fresh(&kept->token_id), 0};
  }
  for (int j = 0; j < found; j++) {
    const int channel = 0xffff - (int)(__shfl_sync(ALL_LANES, mine, j) & 0xffff);
    const u32 bits = widened(row.values[channel * row.stride]);
    if (!insert(entry, num, {order, bits, channel, token_id, 0})) break;
  }
  if (lane < num) {
    volatile Entry* kept = list->top + lane;
    kept->order = entry.order;
    kept->bits = entry.bits;
    kept->channel = entry.channel;
    kept->token_id = entry.token_id;
  }
  __threadfence_block();
  __syncwarp();
  if (lane == NUM_TOP - 1) {
    *(volatile int*)&list->num = num;
    if (num == NUM_TOP) {
      const u64 lowest = rank_of(magnitude_of(entry), entry.order);
      atomicMax(&a.site->floor, lowest);
      atomicMax(block.gate, (int)magnitude_of(lowest));
    }
    __threadfence_block();
    atomicExch(&block.held, 0u);
  }
  __syncwarp();
}
