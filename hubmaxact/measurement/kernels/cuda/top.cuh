// The largest values of a site, distinct in (token id, channel), totally ordered.
//
// Each block keeps its own best; a value among the best of all is among the best of its block. The
// largest of the blocks' last ranks is a floor for everybody.
#pragma once
#include "site.cuh"

#define ORDER_BITS 48                      // sample, then position in it, 24 bits each
#define LAST_ORDER ((1ull << ORDER_BITS) - 1)

// |pattern| first; of equal ones the earlier sample, then the earlier position.
__device__ __forceinline__ u64 rank_of(u32 magnitude, u64 order) {
  return (u64)magnitude << ORDER_BITS | order;
}

// The row's best: lane j gets the j-th, |pattern| then the lowest channel. Returns their number.
__device__ __forceinline__ int best_of_row(const Row& row, u64 order, u64 floor, u32& mine) {
  u32 last = ALL_LANES;
  int found = 0;
  for (; found < NUM_TOP; found++) {
    u32 best = 0;
    read_again(row, [&](u32 magnitude, int channel) {
      const u32 key = magnitude << 16 | (0xffff - channel);
      if (magnitude < INFINITE && key < last) best = max(best, key);
    });
    best = __reduce_max_sync(ALL_LANES, best);
    if (best == 0 || rank_of(best >> 16, order) < floor) break;
    if ((threadIdx.x & 31) == found) mine = best;
    last = best;
  }
  return found;
}

// Puts one value into the sorted list that the lanes hold, one entry each. The same for all lanes
// but `entry`. Returns whether later, smaller values of the row may still have a place.
__device__ __forceinline__ bool insert(Entry& entry, int& num, const Entry& offered) {
  const int lane = threadIdx.x & 31;
  const bool taken = lane < num;
  const bool alike = entry.rank == offered.rank && entry.channel == offered.channel;
  const bool ahead = entry.rank > offered.rank ||
      (entry.rank == offered.rank && entry.channel < offered.channel) ||
      (alike && entry.pattern >= offered.pattern);     // the sign bit: negative first
  const u32 before = __ballot_sync(ALL_LANES, taken && ahead);
  const u32 same = __ballot_sync(
      ALL_LANES, taken && entry.channel == offered.channel && entry.token_id == offered.token_id);
  if (before & same) return true;          // this token id has a better one in this channel
  const int place = __popc(before);
  if (place == NUM_TOP) return false;
  const int until = same ? __ffs(same) - 1 : min(num, NUM_TOP - 1);
  const u64 rank = __shfl_up_sync(ALL_LANES, entry.rank, 1);
  const int channel = __shfl_up_sync(ALL_LANES, entry.channel, 1);
  const int token_id = __shfl_up_sync(ALL_LANES, entry.token_id, 1);
  const u32 pattern = __shfl_up_sync(ALL_LANES, entry.pattern, 1);
  if (lane > place && lane <= until) entry = {rank, channel, token_id, pattern, 0};
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
    const Arguments& a, const Row& row, int position, u32 row_max, List* list, u32* held, int* gate_floor) {
  const int lane = threadIdx.x & 31;
  const u64 sample = a.columns[position], in_sample = a.columns[a.num_positions + position];
  const int token_id = (int)a.columns[2 * a.num_positions + position];
  const u64 order = LAST_ORDER - (sample << 24 | in_sample);
  const u64 floor = __shfl_sync(ALL_LANES, fresh(&a.site->floor), 0);
  if (lane == 0) atomicMax(gate_floor, (int)(floor >> ORDER_BITS));
  if (rank_of(row_max, order) < floor) return;
  u32 mine = 0;
  const int found = best_of_row(row, order, floor, mine);

  lock(held);
  int num = fresh(&list->num);
  Entry entry = {0, 0, 0, 0, 0};
  if (lane < num) {
    const Entry* kept = list->top + lane;
    entry = {fresh(&kept->rank), fresh(&kept->channel), fresh(&kept->token_id), fresh(&kept->pattern), 0};
  }
  for (int j = 0; j < found; j++) {
    const u32 key = __shfl_sync(ALL_LANES, mine, j);
    const int channel = 0xffff - (int)(key & 0xffff);
    const u32 pattern = row.values[channel * row.stride];
    if (!insert(entry, num, {rank_of(key >> 16, order), channel, token_id, pattern, 0})) break;
  }
  if (lane < num) {
    volatile Entry* kept = list->top + lane;
    kept->rank = entry.rank;
    kept->channel = entry.channel;
    kept->token_id = entry.token_id;
    kept->pattern = entry.pattern;
  }
  __threadfence_block();
  __syncwarp();
  if (lane == NUM_TOP - 1) {
    *(volatile int*)&list->num = num;
    if (num == NUM_TOP) {
      atomicMax(&a.site->floor, entry.rank);
      atomicMax(gate_floor, (int)(entry.rank >> ORDER_BITS));
    }
    __threadfence_block();
    atomicExch(held, 0u);
  }
  __syncwarp();
}
