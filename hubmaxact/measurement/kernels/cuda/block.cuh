// What every block does before its first row and after its last.
#pragma once
#include "beyond.cuh"
#include "blocks.cuh"
#include "counts.cuh"
#include "groups.cuh"

#if LINEAR_INPUT
#define ALL_BINS (NUM_BINS + NUM_SIZES * BLOCK_BINS)
#else
#define ALL_BINS NUM_BINS
#endif

struct Place { int row, position, group; };  // row -1: to be left out

__device__ __forceinline__ Place place_of(const Arguments& a, int row) {
  const int position = a.token ? (int)a.token[row] : row;
  const bool kept = !a.kept || a.kept[position];
  int group = a.group ? (int)a.group[a.group_by_row ? row : position] : -1;
  if (group >= a.num_groups) group = -1;
  return {kept ? row : -1, position, group};
}

// Blocks' rows are neighbours, so that few groups meet in one block.
__device__ __forceinline__ int first_row(const Arguments& a, int block) {
  return (int)((i64)a.num_rows * block / gridDim.x);
}

// `first`: the first row of this thread's warp. Returns where the window of bins begins.
__device__ __forceinline__ u32 begin_block(const Arguments& a, Block& block, u32* bins, const Place& first) {
  if (threadIdx.x < sizeof(List) / 8)
    ((u64*)&block.list)[threadIdx.x] = ((const u64*)(a.lists + blockIdx.x))[threadIdx.x];
  if (threadIdx.x == 0) {
    block.held = block.num_strays = 0;
    block.first_bin = a.site->window;
    block.first_block_bin = a.site->block_window;
    block.gate[0] = (int)magnitude_of(fresh(&a.site->floor));
    block.gate[1] = __float_as_int(inverse_of(fresh(&a.site->ratio)));
  }
  for (int k = threadIdx.x; k < ALL_BINS / 4; k += blockDim.x) ((uint4*)bins)[k] = make_uint4(0, 0, 0, 0);
  for (int k = threadIdx.x; k < NUM_KNOWN; k += blockDim.x) block.known[k] = 0;
  if (threadIdx.x < NUM_LARGEST) block.beyond[threadIdx.x] = 0;
  __syncthreads();
  if ((threadIdx.x & 31) == 0 && first.row >= 0 && first.group >= 0)
    remember_group(a, first.group, block.known);
  return block.first_bin;
}

// Adds what the block has counted and found to the site.
__device__ __forceinline__ void give_block(const Arguments& a, Block& block, u32* bins, u32 window) {
  __syncthreads();
  add_bins(a, bins, window);
#if LINEAR_INPUT
  add_block_bins(a, bins + NUM_BINS, block.first_block_bin);
#endif
  if (threadIdx.x < sizeof(List) / 8)
    ((u64*)(a.lists + blockIdx.x))[threadIdx.x] = ((const u64*)&block.list)[threadIdx.x];
  if (threadIdx.x < NUM_LARGEST && a.beyond && block.beyond[threadIdx.x])
    atomicAdd(a.beyond + threadIdx.x, (u64)block.beyond[threadIdx.x]);
  if (threadIdx.x == 0 && block.num_strays) atomicAdd(&a.site->num_strays, block.num_strays);
}

// The last block of a launch moves windows where the counts are: after launches 1, 2, 4, ...
__device__ __forceinline__ void move_windows(const Arguments& a, Block& block, u32* bins, u32 window) {
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) block.last = atomicAdd(&a.site->num_done, 1u) == gridDim.x - 1;
  __syncthreads();
  if (!block.last) return;
  const u32 launch = a.site->num_launches + 1;
  const bool is_turn = (launch & (launch - 1)) == 0, moves = is_turn && fresh(&a.site->num_strays);
  const u32 moved = moves ? best_window(a.counts, 2, 64, (u64*)bins) : window;
#if LINEAR_INPUT
  const u32 blocks_moved = is_turn ? best_window(a.block_counts, 1, 16, (u64*)bins) : block.first_block_bin;
#endif
  __syncthreads();                         // everybody has read the site
  if (threadIdx.x == 0) {
    a.site->num_done = 0;
    a.site->num_launches = launch;
    a.site->window = moved;
#if LINEAR_INPUT
    a.site->block_window = blocks_moved;
#endif
    if (moves) a.site->num_strays = 0;
  }
}
